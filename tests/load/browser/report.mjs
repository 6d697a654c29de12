// What `make bench-browser` prints.
import { median, print, table } from "../report.mjs";
import { WORKER_MS } from "./subjects.mjs";

const HEADS = ["", "theirs", "ours", "ours / theirs", "spread"];

function figure(value) {
  return value < 10 ? value.toFixed(2) : value < 1000 ? value.toFixed(value < 100 ? 1 : 0) : Math.round(value).toLocaleString("en");
}

const ms = (value) => (value < 0.1 ? `${(value * 1000).toFixed(0)} µs` : `${value.toFixed(value < 10 ? 1 : 0)} ms`);
const kilobytes = (value) => `${(value / 1000).toFixed(1)} KB`;

/** How many times theirs ours is, round by round: the median, and the quartiles. The extremes tell of the machine alone. */
function compare(theirs, ours) {
  const ratios = ours.map((own, round) => own / theirs[round]).sort((a, b) => a - b);
  const quarter = Math.floor(ratios.length / 4);
  return { ratio: median(ratios), lowest: ratios[quarter], highest: ratios[ratios.length - 1 - quarter] };
}

function row(name, theirs, ours, unit = ms) {
  const { ratio, lowest, highest } = compare(theirs, ours);
  const spread = figure(lowest) === figure(highest) ? "" : `${figure(lowest)} to ${figure(highest)}`;
  return [name, unit(median(theirs)), unit(median(ours)), figure(ratio), spread];
}

const all = (results, of) => results.map(of);
const ready = ({ readyMs }) => readyMs;
const click = ({ clickMs }) => clickMs;
const both = ({ readyMs, clickMs }) => readyMs + clickMs;

/** What goes over the wire. */
export function loadedTable({ auth, pure, recognised, start0 }) {
  const before = ({ before }) => before;
  const whole = ({ before, after }) => before + after;
  print("\nWhat a page loads, after brotli: its own few lines, what Vite adds, and the package\n");
  table(HEADS, [
    row("before the click, to call `start` later", all(auth, before), all(start0, before), kilobytes),
    row("before the click, to call the pure functions later", all(auth, before), all(pure, before), kilobytes),
    row("a view that asks `hasCallback`", all(auth, before), all(recognised, whole), kilobytes),
    row("until there is a URL by `start`", all(auth, whole), all(start0, whole), kilobytes),
    row("until there is a URL by `authorizeUrl`", all(auth, whole), all(pure, whole), kilobytes),
  ]);
}

/** What is loaded and called under a condition, set against theirs; and a page without a bundler, against the same without hints. */
export function conditionTable({ name }, results) {
  const { auth, authCallback, pure, pureEarly, recognised, callback, callbackEarly } = results;
  const starts = WORKER_MS.flatMap((workerMs) => {
    const worker = `Worker ${workerMs} ms`;
    return [
      row(`click to URL, \`start\`, ${worker}`, all(auth, click), all(results[`start${workerMs}`], click)),
      row(`click to URL, \`start\` after \`init\`, ${worker}`, all(auth, click), all(results[`startEarly${workerMs}`], click)),
      row(`navigation to URL, \`start\`, ${worker}`, all(auth, both), all(results[`start${workerMs}`], both)),
    ];
  });
  print(`\n${name}\n`);
  table(HEADS, [
    row("navigation to a page that can be clicked", all(auth, ready), all(results.start0, ready)),
    row("click to URL, `authorizeUrl`", all(auth, click), all(pure, click)),
    row("click to URL, `authorizeUrl` after `init`", all(auth, click), all(pureEarly, click)),
    row("navigation to URL, `authorizeUrl`", all(auth, both), all(pure, both)),
    ...starts,
    row("callback recognised, `hasCallback`", all(authCallback, click), all(recognised, click)),
    row("callback checked, `checkCallback`", all(authCallback, click), all(callback, click)),
    row("callback checked, `checkCallback` after `init`", all(authCallback, click), all(callbackEarly, click)),
  ]);
  const { plain, plainOwn, plainAll } = results;
  print("\n  Without a bundler, with the hints of the package's README: for the page's own scripts, or for all\n");
  table(
    ["", "without", "with", "with / without", "spread"],
    [
      row("own: navigation to a page that can be clicked", all(plain, ready), all(plainOwn, ready)),
      row("own: click to URL", all(plain, click), all(plainOwn, click)),
      row("all: navigation to a page that can be clicked", all(plain, ready), all(plainAll, ready)),
      row("all: click to URL", all(plain, click), all(plainAll, click)),
    ],
  );
  print(`\n  \`init\` itself, called when the page is ready: ${ms(median(all(pureEarly, ({ loadedMs }) => loadedMs)))}`);
}

/** One call of many, once everything is compiled. */
export function callsTable({ auth, authCallback, pureEarly, callbackEarly, recognised }) {
  const each = ({ perCallMs }) => perCallMs;
  print("\nOne call of many, in Chromium\n");
  table(HEADS, [
    row("`createState` and `authorizeUrl`", all(auth, each), all(pureEarly, each)),
    row("`hasCallback`", all(authCallback, each), all(recognised, each)),
    row("`checkCallback`", all(authCallback, each), all(callbackEarly, each)),
  ]);
}

export function nodeTable({ sdk, pure }) {
  const callback = median(all(pure, ({ callbackMs }) => callbackMs));
  print("\nIn Node, each time in a process of its own\n");
  table(HEADS, [
    row("import", all(sdk, ({ importMs }) => importMs), all(pure, ({ importMs }) => importMs)),
    row("first URL", all(sdk, ({ firstMs }) => firstMs), all(pure, ({ firstMs }) => firstMs)),
    row("import and first URL", all(sdk, ({ importMs, firstMs }) => importMs + firstMs), all(pure, ({ importMs, firstMs }) => importMs + firstMs)),
    row("one URL of many", all(sdk, ({ perCallMs }) => perCallMs), all(pure, ({ perCallMs }) => perCallMs)),
    ["one `checkCallback` of many", "-", ms(callback), "-", ""],
  ]);
}

/** What the figures do not show: the two do not do the same. */
export function unlike() {
  print(`
Below 1 ours is the smaller or the quicker one; the spread is that of the middle half of the rounds, each of
which is compared within itself. The two do not do the same:

  - A URL of theirs takes its \`state\` from the app: here a random UUID. Ours mints 32 random bytes, and refuses options that
    Connect would not take.
  - \`start\` also keeps the attempt and tells the Worker of it before anybody leaves: on a first visit two requests, one after
    the other. Theirs has no other half; who has asked is for the app's back end to keep.
  - Theirs takes a message from the window that it has opened if it comes from the redirect URI's origin and names this
    instance, by the time and a number of Math.random(). The app's own \`state\` is handed on, and nothing says whether it is
    the right one, how old it is, or whether it was used. Ours compares it with the one that was kept, its age, and the
    address with the redirect URI. The page at Smartcar's that posts the message is not in their package, and not measured.
  - Their SDK for back ends checks no callback.`);
}
