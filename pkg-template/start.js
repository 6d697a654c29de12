// `start` and `reconnect`: the Worker is told of a new attempt, and the page leaves for Connect. Loaded with the module, which mints
// the state and makes the URL (`src/browser/new_attempt.rs`).
import { LIFETIME, keepAttempt, removeAttempt } from "./attempts.js";
import { attemptAt, baseOf, call, callerOf, checkedId, checkedOptions, describe, unexpected } from "./client.js";
import { ConnectError, refused } from "./errors.js";
import { leave, takeTurn, wasLeft } from "./page.js";

/** What `start` takes besides the options of every call. The module reads all of these but `navigate`. */
const OPTIONS = [
  ...["redirectUri", "applicationId", "navigate"],
  ...["scope", "mode", "approvalPrompt", "make", "singleSelect", "singleSelectVin", "flags", "user"],
];

/** How long a page takes to leave for Connect at most, unless the browser says so earlier; in milliseconds. */
const LEAVING = 5000;

/** The start that takes this page to Connect; `since` is when the page was told to leave. @type {{ promise: Promise, since?: number }} */
let leaving;

export const start = (module, options) => begin(module, "start", undefined, options);

/** As `start`, to mend the connection called `id`. */
export const reconnect = (module, id, options) => begin(module, "reconnect", checkedId(id), options);

// A page leaves once: a second click while it is about to gets what the first one does. Calls that only want the URL have one each.
function begin(module, name, mended, given) {
  const started = newStart(module, name, mended, given);
  if (!started.leaves) return run(started);
  if (isLeaving()) {
    removeAttempt(started.fingerprint);
    return leaving.promise;
  }
  const promise = run(started);
  leaving = { promise };
  return promise;
}

function isLeaving() {
  if (!leaving) return false;
  const { since } = leaving;
  if (since === undefined) return true;
  const now = Date.now();
  return now < since + LEAVING && now >= since && !wasLeft();
}

/**
 * A call whose attempt is kept in this browser: before the Worker is called, since without storage nothing must be left pending there.
 *
 * @typedef {ReturnType<typeof newStart>} Start
 */
function newStart(module, name, mended, given) {
  const options = checkedOptions(given, name, OPTIONS);
  const { edge, navigate = true } = options;
  const caller = callerOf(options);
  const base = baseOf(edge);
  if (typeof navigate !== "boolean") {
    throw refused("navigate", `\`navigate\` must be true or false, not ${describe(navigate)}`);
  }
  const attempt = module.newAttempt(options, location.href);
  const fingerprint = attempt.request.stateFingerprint;
  const startedAt = Date.now();
  keepAttempt(fingerprint, { startedAt, edge: base, mends: mended });
  return { module, options, attempt, fingerprint, startedAt, caller, base, mended, leaves: navigate };
}

/** @param {Start} started */
async function run(started) {
  // On a first visit the answer to the first call brings the session that the next one goes on with.
  const endTurn = await takeTurn();
  try {
    const result = await opened(started);
    if (started.leaves && leaving) leaving.since = Date.now();
    return result;
  } catch (error) {
    if (started.leaves) leaving = undefined;
    throw error;
  } finally {
    endTurn();
  }
}

/** Goes to Connect once the Worker knows of the attempt and will recognise this browser; if any of that fails, the attempt is forgotten. */
async function opened(started) {
  let isAwaited = false;
  try {
    const { flow, url } = await recognised(started);
    if (started.leaves) goTo(url);
    // A page at Connect that does not redirect back is waited for by nobody.
    isAwaited = flow !== "tesla_permissions";
    return {
      url,
      ...(isAwaited ? { expiresAt: started.startedAt + LIFETIME } : {}),
      ...(flow === undefined ? {} : { flow }),
    };
  } finally {
    if (!isAwaited) removeAttempt(started.fingerprint);
  }
}

/** What the Worker said, once it knows this browser again. */
async function recognised(started) {
  const told = await tell(started);
  // Where there is a connection to mend, there is a session.
  if (told.session !== "started") return told;
  try {
    await attemptAt(started.caller, started.base, started.fingerprint);
  } catch (error) {
    // Another tab has opened a session meanwhile, whose cookie has taken the place of ours.
    if (error?.code === "state_unknown") return tell(started);
    throw error?.code === "session_missing" ? cookieBlocked(started.base) : error;
  }
  return told;
}

async function tell({ module, options, attempt, caller, base, mended }) {
  const [path, answer] =
    mended === undefined ? ["/connect/start", "StartResponse"] : [`/connections/${mended}/reconnect`, "ReconnectResponse"];
  const told = await call(caller, base, "POST", path, JSON.stringify(attempt.request), answer);
  const url = module.connectUrl(options, attempt, told);
  if (url === undefined) throw unexpected(base + path, 200);
  return { ...told, url };
}

function goTo(url) {
  try {
    leave(url);
  } catch (cause) {
    throw new ConnectError("not_in_browser", "the browser refused to leave the page for Connect", { cause });
  }
}

function cookieBlocked(base) {
  const message =
    `the browser did not keep the session cookie of \`${base}\`, so that nobody would be recognised on the way back from Connect; ` +
    "serve the page and the Worker from one site (`localhost` and `127.0.0.1` are two), over `https` or on loopback, not in a frame " +
    "of another site, and allow cookies";
  return new ConnectError("cookie_blocked", message);
}
