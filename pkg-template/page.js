// What `start` and `finish` do to the page: its address, the history, which routers write as well, and taking turns with other tabs.
// Importing it has no effect.

/** How long another start is waited for, in milliseconds: no call takes longer. */
const PATIENCE = 40_000;

/** The end of the queue of this page, where there are no locks. */
let last = Promise.resolve();

/**
 * Waits until no other page of this origin is between a call and its answer.
 *
 * @returns {Promise<() => void>} what ends the turn
 */
export function takeTurn() {
  return new Promise((resolve) => {
    const hold = () => new Promise((release) => resolve(release));
    const locks = globalThis.navigator?.locks;
    if (!locks) {
      last = last.then(hold);
      return;
    }
    const waiting = new AbortController();
    const timer = setTimeout(() => waiting.abort(), PATIENCE);
    const turn = () => {
      clearTimeout(timer);
      return hold();
    };
    // Without a turn it goes on all the same: the check of the session notices what went wrong.
    const goOn = () => resolve(() => {});
    try {
      locks.request("smartcar-connect:start", { signal: waiting.signal }, turn).catch(goOn);
    } catch {
      // As of a stand-in for the browser's own.
      goOn();
    }
  });
}

/** @returns {Promise<void>} after as many milliseconds */
export const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * Whether anybody may have a host below `domain` (https://publicsuffix.org). The browser has the list, and keeps no cookie for all
 * hosts of such a domain. Where it keeps none at all, it does not say.
 */
export function isForAnybody(domain) {
  if (!`.${location.hostname}`.endsWith(`.${domain}`)) return false;
  const name = "smartcar-connect-site";
  const keeps = (attributes) => {
    document.cookie = `${name}=1; SameSite=Strict${attributes}`;
    const isKept = document.cookie.includes(`${name}=1`);
    document.cookie = `${name}=; Max-Age=0${attributes}`;
    return isKept;
  };
  try {
    return keeps("") && !keeps(`; Domain=${domain}`);
  } catch {
    // A sandboxed frame may not even ask.
    return false;
  }
}

let isAway = false;

/** Leaves the page for `url`. */
export function leave(url) {
  isAway = false;
  addEventListener("pagehide", () => (isAway = true), { once: true });
  location.assign(url);
}

/** @returns {boolean} whether the page was left, so that it is one to which somebody came back, as it was */
export const wasLeft = () => isAway;

/** The callbacks that this page has taken, each as its pairs. @type {{ pairs: Set<string>, parameters: URLSearchParams }[]} */
const taken = [];

/**
 * Takes a callback out of the address and of the history's entry, and keeps it out: a router may remember the address that it
 * began with, and write it again with its next step. The app's own parameters, the hash and the entry's state stay.
 *
 * @param {string} callback its pairs, as they stand in the address
 */
export function takeOut(callback) {
  if (taken.length === 0) watch();
  taken.push({ pairs: new Set(callback.split("&")), parameters: new URLSearchParams(`&${callback}`) });
  cleanEntry();
}

function watch() {
  for (const name of ["pushState", "replaceState"]) {
    const write = history[name];
    history[name] = function (state, unused, url) {
      return write.call(this, cleaned(state), unused, url === undefined || url === null ? url : cleanedText(String(url)));
    };
  }
  // Before the routers see the entry.
  addEventListener("popstate", cleanEntry, true);
}

function cleanEntry() {
  const { state } = history;
  const [address, kept] = [cleanedText(location.href), cleaned(state)];
  if (address === location.href && kept === state) return;
  try {
    history.replaceState(kept, "", address);
  } catch {
    // Browsers refuse it where a page has changed its address a hundred times within seconds. The code is about to be used up,
    // so that the connection is not given up for it.
  }
}

/** A copy of a state without the callbacks, or the state itself if there is none in it. */
function cleaned(value, seen = new Map()) {
  if (typeof value === "string") return cleanedText(value);
  if (typeof value !== "object" || value === null) return value;
  if (!Array.isArray(value) && ![Object.prototype, null].includes(Object.getPrototypeOf(value))) return value;
  if (seen.has(value)) return seen.get(value);
  const copy = Array.isArray(value) ? [] : {};
  seen.set(value, copy);
  let isChanged = false;
  for (const [key, each] of Object.entries(value)) {
    const [name, item] = [cleanedText(key), cleaned(each, seen)];
    isChanged ||= name !== key || item !== each;
    copy[name] = item;
  }
  if (!isChanged) seen.set(value, value);
  return isChanged ? copy : value;
}

/** A text without the callbacks: an address, or anything that one was made part of. */
function cleanedText(text) {
  return taken.reduce((cleaned, callback) => withoutCallback(cleaned, callback), text);
}

function withoutCallback(text, { pairs, parameters }) {
  const state = parameters.get("state");
  if (!text.includes(state) && !text.includes(encodeURIComponent(state))) return text;
  const isKept = (pair) => {
    const [[name, value] = []] = new URLSearchParams(`&${pair}`);
    return !pairs.has(pair) && !(name && parameters.get(name) === value);
  };
  const [address, ...hash] = text.split("#");
  const [path, ...query] = address.split("?");
  const rest = query.join("?").split("&").filter(isKept).join("&");
  const clean = [path, rest && `?${rest}`, hash.length > 0 ? `#${hash.join("#")}` : ""].join("");
  // Where it is not a query, the secrets at least are gone.
  return secrets(parameters).reduce((left, secret) => left.replaceAll(secret, ""), clean);
}

/** Long enough to be nothing else. */
function secrets(parameters) {
  const values = [parameters.get("state"), parameters.get("code")].filter((value) => value?.length >= 16);
  return values.flatMap((value) => [value, encodeURIComponent(value)]);
}
