// The attempts of this browser, in `localStorage`, where all of its tabs find them: one entry each, under the fingerprint of its state
// and without the state. An entry says which Worker was told of the attempt. It vouches for nothing: whether a callback counts is
// the Worker's to decide, by its session and its clock.
import { ConnectError, isOptions, needPage, refused } from "./errors.js";

const ATTEMPT = "smartcar-connect:attempt:";
const DEFAULT_EDGE = "/smartcar";

/** For how long an attempt can be finished, in milliseconds (`src/connect/attempt.rs`). */
export const LIFETIME = 10 * 60 * 1000;

/** How long an entry is kept, by this device's clock, which may be put right by hours meanwhile. */
const KEPT = 24 * 60 * 60 * 1000;

/** How many entries are kept; the oldest makes room. As many attempts as the Worker keeps of one owner. */
const MOST = 16;

export function unfinishedAttempt(options) {
  const [latest, ...before] = attempts(baseOf(options, "unfinishedAttempt"));
  if (!latest || latest.over) return null;
  const others = before.findIndex(({ over }) => over);
  return {
    startedAt: latest.startedAt,
    expiresAt: latest.startedAt + LIFETIME,
    ...(latest.mends === undefined ? {} : { connectionId: latest.mends }),
    tries: 1 + (others < 0 ? before.length : others),
  };
}

export function forgetAttempt(options) {
  for (const { key } of attempts(baseOf(options, "forgetAttempt"))) endEntry(key);
}

/**
 * Keeps an attempt, and forgets those that are out of date.
 *
 * @param {string} fingerprint
 * @param {{ startedAt: number, edge: string, mends?: string }} entry `mends` is the connection that it mends, if it does
 */
export function keepAttempt(fingerprint, entry) {
  try {
    sweep();
    localStorage.setItem(ATTEMPT + fingerprint, JSON.stringify(entry));
  } catch (cause) {
    const message =
      "`localStorage` is blocked or full, and where a site may store nothing, no session reaches the Worker either; " +
      "allow this site to store data, and in a frame open the page on its own";
    throw new ConnectError("browser_storage_unavailable", message, { cause });
  }
}

/** Forgets an attempt that did not come about. */
export function removeAttempt(fingerprint) {
  try {
    localStorage.removeItem(ATTEMPT + fingerprint);
  } catch {
    // It goes anyway, in a day.
  }
}

/** Notes that the page knows what came of an attempt, for this tab and the others. */
export const endAttempt = (fingerprint) => endEntry(ATTEMPT + fingerprint);

/** The Worker that was told of an attempt, if this browser keeps it. */
export const edgeOfAttempt = (fingerprint) => entryOf(ATTEMPT + fingerprint)?.edge;

/** Whether the page knows what came of an attempt. */
export const isAttemptOver = (fingerprint) => entryOf(ATTEMPT + fingerprint)?.over === true;

function endEntry(key) {
  const entry = entryOf(key);
  try {
    if (entry) localStorage.setItem(key, JSON.stringify({ ...entry, over: true }));
  } catch {
    // Nothing can be stored: it is told of again, for a day.
  }
}

/** The attempts that were started for the Worker at `base`, the latest first. */
function attempts(base) {
  const entries = all().filter((entry) => isKept(entry) && entry.edge === base);
  // Of two in one millisecond the one that is not over is the later.
  return entries.sort((one, other) => other.startedAt - one.startedAt || one.over - other.over);
}

/** Removes what is out of date or cannot be read, and the oldest where there are too many for one more. */
function sweep() {
  const found = all();
  const kept = found.filter(isKept).sort((one, other) => other.startedAt - one.startedAt);
  const staying = kept.slice(0, MOST - 1);
  for (const entry of found) if (!staying.includes(entry)) localStorage.removeItem(entry.key);
}

/** All that are stored, each with its key. */
function all() {
  let keys;
  try {
    keys = Array.from({ length: localStorage.length }, (_, place) => localStorage.key(place));
  } catch {
    // Blocked, or there is none, as in some views of apps.
    return [];
  }
  return keys.filter((key) => key?.startsWith(ATTEMPT)).map((key) => ({ ...entryOf(key), key }));
}

/** An entry; `undefined` if there is none, or it cannot be read. */
function entryOf(key) {
  try {
    const { startedAt, edge, mends, over } = JSON.parse(localStorage.getItem(key));
    if (!Number.isSafeInteger(startedAt) || startedAt < 0 || typeof edge !== "string") return undefined;
    return { startedAt, edge, mends: typeof mends === "string" ? mends : undefined, over: Boolean(over) };
  } catch {
    return undefined;
  }
}

const isKept = ({ startedAt }) => Math.abs(Date.now() - startedAt) < KEPT;

/** The address of the Worker, as the entries have it. */
function baseOf(options = {}, name) {
  needPage(name);
  const unknown = isOptions(options) ? Object.keys(options).find((key) => key !== "edge") : "options";
  if (unknown !== undefined) throw refused(unknown, `\`${name}\` takes an object with \`edge\`, or nothing`);
  const { edge = DEFAULT_EDGE } = options;
  try {
    const { origin, pathname } = new URL(edge, location.href);
    return origin + pathname.replace(/\/+$/, "");
  } catch {
    throw refused("edge", "`edge` is not a URL; give the path or URL at which the Worker is mounted");
  }
}
