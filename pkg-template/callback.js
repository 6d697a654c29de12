// `hasCallback`, in JavaScript: most views of a page are no callback, and should not pay for the module to learn that.
// The module finds the callback in the same way once it is there (`src/connect/callback/query.rs`); tests compare the two.
import { needPage, refused } from "./errors.js";
import { findFinishing } from "./finishing.js";

/** How each `state` begins that is minted here. */
const MARK = "smartcar-connect.";

/** What a `state` vouches for. */
const ANSWERS = ["code", "error", "user_id", "vehicle_id"];

/** The `finish` that was given up while it was under way: it goes on, and nobody knows its outcome. @type {Promise | undefined} */
let givenUp;

export const giveUp = (finishing) => (givenUp = finishing);

/** The `finish` that was given up, for the one who asks again. */
export function takeGivenUp() {
  const finishing = givenUp;
  givenUp = undefined;
  return finishing;
}

export function hasCallback(url) {
  if (url === undefined && (givenUp || findFinishing())) return true;
  // Only a `?` at the very beginning would be taken for the one before a query.
  const parameters = new URLSearchParams(`&${queryOf(url === undefined ? pageAddress() : textOf(url))}`);
  const isOurs = parameters.getAll("state").some((state) => state.startsWith(MARK));
  return isOurs && ANSWERS.some((name) => parameters.has(name));
}

function pageAddress() {
  needPage("hasCallback");
  return location.href;
}

/** The text of a string, a `URL` or a `Location`. */
export function textOf(url) {
  const text = typeof url === "object" ? addressOf(url) : url;
  if (typeof text === "string") return text;
  throw refused("url", `\`url\` must be a string or a URL, not ${described(url)}`);
}

function addressOf(object) {
  try {
    return object?.href;
  } catch {
    // A getter that throws has no address to give.
    return undefined;
  }
}

function described(value) {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

// A query can have `?` and `://` in a value.
function queryOf(urlOrQuery) {
  const [text] = urlOrQuery.split("#", 1);
  const start = text.indexOf("?");
  if (start < 0) return isAddress(text) ? "" : text;
  const before = text.slice(0, start);
  return /[=&]/.test(before) && !isAddress(before) ? text : text.slice(start + 1);
}

function isAddress(text) {
  return /^(\/|[a-z\d+.-]+:\/)/i.test(text);
}
