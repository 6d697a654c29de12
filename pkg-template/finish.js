// `finish`: from the callback in the address bar to the Worker's outcome. Loaded with the module, which reads the callback
// (`src/browser/callback.rs`).
//
// A page finishes a callback once, however often it is asked to: frameworks run an effect twice, and routers bring an address
// back. The Worker decides whether the callback counts.
import { edgeOfAttempt, endAttempt } from "./attempts.js";
import { textOf } from "./callback.js";
import { attemptAt, baseOf, call, callerOf, checkedOptions, isFinal } from "./client.js";
import { ConnectError, needPage } from "./errors.js";
import { clearFinishing, findFinishing, isAwaited, noteFinishing } from "./finishing.js";
import { sleep, takeOut } from "./page.js";

/** How long a page that has no callback any more is still told what became of the last one, in milliseconds. */
const RECENT = 10_000;

/** How many seconds a page that was loaded in the middle of a finish waits for the callback to arrive at the Worker, if it was sent. */
const ARRIVING = 3;

/** How many seconds it waits for the exchange: longer than the Worker's own deadlines together. */
const EXCHANGING = 30;

/**
 * What is to be sent to the Worker.
 *
 * @typedef {object} Finish
 * @property {string} [callback] as it stood in the address; missing if it was lost and the Worker is asked about it
 * @property {string} [normalForm] the same, in the one spelling that each callback has
 * @property {string} base where the Worker is
 * @property {import("./client.js").Caller} caller
 * @property {import("./finishing.js").Finishing} finishing
 */

/**
 * The callbacks that this page finishes or has finished, the latest first; `endedAt` is when one ended.
 *
 * @type {{ normalForm?: string, promise: Promise, endedAt?: number }[]}
 */
let known = [];

/**
 * A callback that the Worker may not have got, or wants to have again. The address has lost it.
 *
 * @type {Pick<Finish, "callback" | "normalForm" | "finishing"> | undefined}
 */
let failed;

/** What the callback in `url`, or else in the page's address, comes to. */
export function finish(module, url, options) {
  const asked = ask(module, url, options);
  if ("promise" in asked) return asked.promise;
  const promise = run(asked);
  known = [{ normalForm: asked.normalForm, promise }, ...known];
  return promise;
}

// Everything up to the call of the Worker, in one go: no other script of the page runs in between, and none finds the code in the
// address afterwards.
function ask(module, url, given) {
  needPage("finish");
  const { href } = location;
  const address = url === undefined ? href : textOf(url);
  const { callback, normalForm, isOurs } = module.readCallback(address);
  if (isOurs) takeOut(callback);
  const options = checkedOptions(given, "finish");
  const caller = callerOf(options);
  const at = (edge) => ({ caller, base: baseOf("edge" in options ? options.edge : edge) });
  // A bad one is refused, also where another counts.
  at();
  if (isOurs) return withCallback(module, { callback, normalForm }, at);
  const asked = address === href ? withoutCallback(module, at) : undefined;
  // What is not ours has no fingerprint: this says why.
  if (!asked) module.callbackFingerprint(callback);
  return asked;
}

function withCallback(module, { callback, normalForm }, at, edge) {
  const again = known.find((one) => one.normalForm === normalForm);
  if (again) return again;
  const fingerprint = module.callbackFingerprint(callback);
  // Where this browser keeps no such attempt, the Worker that an app has by default decides, like any other.
  const { caller, base } = at(edge ?? edgeOfAttempt(fingerprint));
  const finishing = { fingerprint, edge: base, since: Date.now() };
  noteFinishing(finishing);
  return { callback, normalForm, caller, base, finishing };
}

/** What the page was at when its address lost the callback. */
function withoutCallback(module, at) {
  if (failed && isAwaited(failed.finishing)) return withCallback(module, failed, at, failed.finishing.edge);
  const now = Date.now();
  const recent = known.find(({ endedAt }) => endedAt === undefined || (endedAt <= now && now < endedAt + RECENT));
  if (recent) return recent;
  const finishing = findFinishing();
  return finishing && { ...at(finishing.edge), finishing };
}

/**
 * Sends it to the Worker, whatever Connect's answer was: the Worker keeps the attempt, and closes it.
 *
 * If it may not have arrived, or the Worker asks for it again, a further call sends it again: the Worker exchanges a code once,
 * however often it is sent.
 *
 * @param {Finish} asked
 */
async function run(asked) {
  let isOver = false;
  try {
    const outcome = await (asked.callback === undefined ? look(asked) : send(asked));
    isOver = true;
    return outcome;
  } catch (error) {
    // It may have arrived all the same. Firefox and WebKit also tell a page that is being left that its request has failed: the page
    // that comes then has to know.
    isOver = isFinal(error) || error?.code === "finish_interrupted";
    throw error;
  } finally {
    ended(asked, isOver);
  }
}

function ended({ callback, normalForm, finishing }, isOver) {
  if (isOver) {
    clearFinishing(finishing);
    endAttempt(finishing.fingerprint);
  }
  if (callback !== undefined && !isOver) failed = { callback, normalForm, finishing };
  else if (callback !== undefined && failed?.callback === callback) failed = undefined;
  known = known.filter((one) => one.normalForm !== normalForm || isOver);
  for (const one of known) if (one.normalForm === normalForm) one.endedAt = Date.now();
}

const send = ({ callback, caller, base }) =>
  call(caller, base, "POST", "/connect/finish", JSON.stringify({ callback }), "FinishResponse");

/** Asks the Worker what became of a callback that this page has lost. */
async function look({ caller, base, finishing }) {
  for (let second = 0; second <= EXCHANGING; second += 1) {
    const { status, outcome } = await attemptAt(caller, base, finishing.fingerprint);
    if (status === "finished") return outcome;
    if (status === "pending" && second >= ARRIVING) break;
    await sleep(1000);
  }
  const message =
    "the page was left before the Worker had Connect's answer, which is lost: nothing was connected; start the connection again";
  throw new ConnectError("finish_interrupted", message);
}
