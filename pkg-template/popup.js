// Connect in a window of its own: loaded when one is opened, and in the page that is loaded in it at the end.
//
// The two pages share nothing but the storage of their origin, so that it does not matter whether a policy has cut the one off from
// the other. What is stored says that an attempt is waited for, and that it was finished; never a code, a state or what came of it.
// That the page that waits asks the Worker, as itself: whoever writes to the storage can make it ask, and nothing else.
import { LIFETIME, isAttemptOver, removeAttempt } from "./attempts.js";
import { attemptAt, baseOf, callerOf, copied, describe, isFinal } from "./client.js";
import { ConnectError, isOptions, refused } from "./errors.js";
import { findFinishing } from "./finishing.js";
import { sleep } from "./page.js";
import { reasonOf } from "./signal.js";

/** With the fingerprint of an attempt: that a page of this browser waits for it, that it was finished, and then that
 * the page that waits has what came of it. */
const AWAITED = "smartcar-connect:popup:";

// In milliseconds.
/** How often the window is looked at; a page in the background has slower clocks. */
const TICK = 500;
/** How long the owner is back in the page until a window that can't be seen counts as closed. */
const BACK = 3000;
/** How long an exchange may take that has begun before the end of the attempt. */
const EXCHANGING = 40_000;
/** How long the page in the window waits for the receipt, and then for its end. */
const RECEIPT = 4000;
const CLOSING = 1000;

/** How often the Worker may not be reached. */
const FAILURES = 5;

/**
 * Starts a connection in `opened` and waits for what comes of it.
 *
 * @param {Window | null | undefined} opened
 * @param {typeof import("./loader.js").loadedWith} loadedWith
 * @param {() => void} isOpen told once the window has its address
 */
export async function popup(opened, options, loadedWith, isOpen) {
  const { whenBlocked = "redirect", reconnect, signal, ...asked } = checked(options);
  const begin = (more) =>
    loadedWith("start", async (script, module) => {
      const all = { ...asked, ...(signal === undefined ? {} : { signal }), ...more };
      const started = await (reconnect === undefined ? script.start(module, all) : script.reconnect(module, reconnect, all));
      const state = new URL(started.url).searchParams.get("state");
      // Some pages of Connect send nobody back.
      return { ...started, fingerprint: state === null ? undefined : module.stateFingerprint(state) };
    });
  // Some blockers close what they have let open.
  if (typeof window === "object" && (!opened || opened.closed)) {
    if (whenBlocked === "give_up") return { kind: "popup_blocked" };
    await begin({});
    return { kind: "redirected" };
  }
  const onAbort = () => opened?.close();
  signal?.addEventListener("abort", onAbort);
  try {
    const started = await begin({ navigate: false });
    return await inWindow(opened, started, asked, signal, isOpen);
  } finally {
    signal?.removeEventListener("abort", onAbort);
    opened?.close();
  }
}

function checked(options = {}) {
  if (!isOptions(options)) throw refused("options", `\`popup\` takes an object of options, not ${describe(options)}`);
  if ("navigate" in options) throw refused("navigate", "`navigate` is not an option of `popup`, in which the window goes to Connect");
  const known = copied(options, "popup");
  const { whenBlocked, redirectUri, edge } = known;
  if (whenBlocked !== undefined && !["redirect", "give_up"].includes(whenBlocked)) {
    throw refused("whenBlocked", '`whenBlocked` must be one of "redirect", "give_up"');
  }
  if (typeof window === "object") {
    baseOf(edge);
    if (typeof redirectUri === "string" && originOf(redirectUri) !== location.origin) {
      throw refused("redirectUri", `\`redirectUri\` must be on \`${location.origin}\` in a popup, which hands over to a page of its own origin`);
    }
  }
  return known;
}

function originOf(url) {
  try {
    return new URL(url).origin;
  } catch {
    return undefined;
  }
}

async function inWindow(opened, { url, expiresAt, fingerprint }, asked, signal, isOpen) {
  if (signal?.aborted || opened.closed) {
    if (fingerprint) removeAttempt(fingerprint);
    if (signal?.aborted) throw reasonOf(signal);
    return { kind: "popup_closed" };
  }
  const until = expiresAt ?? Date.now() + LIFETIME;
  if (fingerprint) {
    sweep();
    try {
      localStorage.setItem(AWAITED + fingerprint, JSON.stringify({ expiresAt: until }));
    } catch (cause) {
      throw new ConnectError("browser_storage_unavailable", "`localStorage` is blocked or full, over which a popup hands over", { cause });
    }
  }
  try {
    // No page that comes there can lead this one elsewhere; nor can this one close it while it is another origin's.
    opened.opener = null;
    // Without an entry in the history: there is nothing to go back to.
    opened.location.replace(url);
    isOpen();
    const outcome = await outcomeOf(opened, fingerprint, until, asked, signal);
    if (fingerprint) receive(fingerprint);
    return outcome;
  } catch (error) {
    // Whoever finds nothing keeps what came of it.
    if (fingerprint) localStorage.removeItem(AWAITED + fingerprint);
    throw error;
  }
}

/** Says that the outcome is here, for as long as the page in the window may look. */
function receive(fingerprint) {
  const key = AWAITED + fingerprint;
  const record = recordOf(fingerprint);
  try {
    if (record?.isFinished) localStorage.setItem(key, JSON.stringify({ ...record, isTaken: true }));
  } catch {
    // Then it keeps what came of it, too.
  }
  setTimeout(() => localStorage.removeItem(key), record?.isFinished ? RECEIPT : 0);
}

/** Waits for what comes of it: the page in the window has finished, the window is closed, or it is too late. */
async function outcomeOf(opened, fingerprint, expiresAt, { edge, getToken, ticket }, signal) {
  const [caller, base] = [callerOf({ getToken, ticket }), baseOf(edge)];
  let [backSince, failures, looked] = [undefined, 0, undefined];
  for (;;) {
    await wake(signal);
    if (signal?.aborted) throw reasonOf(signal);
    const now = Date.now();
    const isLate = now >= expiresAt;
    const finished = fingerprint === undefined ? undefined : finishedBy(fingerprint);
    const isNews = finished !== undefined && finished !== looked;
    // A policy that cuts this page off from the window makes it look closed. Then the owner is not back here.
    backSince = opened.closed && document.hasFocus() && !document.hidden ? (backSince ?? now) : undefined;
    const isClosed = backSince !== undefined && now - backSince >= BACK;
    if (!(isLate || isClosed || isNews)) continue;
    if (fingerprint !== undefined) {
      try {
        const { status, outcome } = await attemptAt(caller, base, fingerprint);
        if (status === "finished") return outcome;
        // Whoever said so was wrong.
        looked = finished;
      } catch (error) {
        const isForgotten = isLate && ["state_unknown", "state_expired"].includes(error.code);
        if (isForgotten) return { kind: "popup_expired" };
        failures += 1;
        if (isFinal(error) || failures >= FAILURES) throw error;
        continue;
      }
    }
    if (isClosed) return { kind: "popup_closed" };
    if (now >= expiresAt + EXCHANGING) return { kind: "popup_expired" };
  }
}

/** What says that the attempt was finished, if anything does. */
function finishedBy(fingerprint) {
  const [awaited, isOver] = [read(AWAITED + fingerprint), isAttemptOver(fingerprint)];
  return parsed(awaited)?.isFinished === true || isOver ? `${awaited} ${isOver}` : undefined;
}

/** Waits for a moment, or until something may have happened. A page that was asleep looks as soon as it is shown again. */
function wake(signal) {
  return new Promise((resolve) => {
    const ends = [
      [window, "storage"],
      [window, "focus"],
      [window, "pageshow"],
      [document, "visibilitychange"],
      ...(signal ? [[signal, "abort"]] : []),
    ];
    const done = () => {
      clearTimeout(timer);
      for (const [target, name] of ends) target.removeEventListener(name, done);
      resolve();
    };
    const timer = setTimeout(done, TICK);
    for (const [target, name] of ends) target.addEventListener(name, done);
  });
}

/**
 * Finishes a callback, hands over to the page that waits for it, if one does, and closes the window. Where nobody takes it, or
 * the window can't be closed, this is a page like any other.
 *
 * @param {(call: (script: object, module: object) => unknown) => Promise} work runs a call of `finish.js`
 */
export async function handOver(callback, options, work) {
  let fingerprint;
  const finishing = work(({ finish }, module) => {
    fingerprint = fingerprintOf(module, callback);
    return finish(module, callback, options);
  });
  const isOver = await finishing.then(() => true, isFinal);
  if (isOver && fingerprint !== undefined && (await isTaken(fingerprint))) {
    window.close();
    await sleep(CLOSING);
  }
  return finishing;
}

/** Which attempt a callback belongs to, or the one that the page was at before a reload. */
function fingerprintOf(module, callback) {
  try {
    if (callback !== undefined) return module.callbackFingerprint(module.readCallback(String(callback)).callback);
    return findFinishing()?.fingerprint;
  } catch {
    return undefined;
  }
}

/** Says that it was finished, and waits for the receipt. */
async function isTaken(fingerprint) {
  const record = recordOf(fingerprint);
  if (record === undefined) return false;
  try {
    localStorage.setItem(AWAITED + fingerprint, JSON.stringify({ ...record, isFinished: true }));
  } catch {
    return false;
  }
  for (const end = Date.now() + RECEIPT; Date.now() < end; await sleep(50)) {
    const found = recordOf(fingerprint);
    if (found === undefined) return false;
    if (found.isTaken === true) {
      localStorage.removeItem(AWAITED + fingerprint);
      return true;
    }
  }
  // Who waited is gone.
  localStorage.removeItem(AWAITED + fingerprint);
  return false;
}

function recordOf(fingerprint) {
  return parsed(read(AWAITED + fingerprint));
}

function read(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function parsed(text) {
  try {
    const record = JSON.parse(text);
    return typeof record === "object" && record !== null ? record : undefined;
  } catch {
    return undefined;
  }
}

/** Removes what nobody waits for any more. */
function sweep() {
  for (const key of Object.keys(localStorage).filter((key) => key.startsWith(AWAITED))) {
    const expiresAt = parsed(read(key))?.expiresAt;
    if (!(expiresAt + EXCHANGING > Date.now())) localStorage.removeItem(key);
  }
}
