// The Worker as this package calls it: who the caller is, `fetch`, and every way in which an answer can be wrong. Loaded with
// whatever calls it.
import { read } from "./answers.js";
import { ConnectError, needPage, refused } from "./errors.js";
import { describe, knownOptions } from "./options.js";
import { reasonOf } from "./signal.js";

export { copied, describe, knownOptions } from "./options.js";

const DEFAULT_EDGE = "/smartcar";

/** In milliseconds, longer than the Worker's own deadlines together; a call without any would leave the owner waiting forever. */
const DEADLINE = 30_000;

/** The longest wait that is believed, in seconds. */
const LONGEST_WAIT = 3600;

/** The codes of the Worker's problems that this version knows (`src/http_api/problem.rs`); a test compares the two. */
const CODES = new Set(
  (
    "misconfigured not_found method_not_allowed origin_not_allowed header_missing unsupported_media_type body_too_large " +
    "invalid_body invalid_parameter session_missing invalid_token keys_unavailable ticket_rejected state_missing state_unknown " +
    "state_expired state_used too_many_requests callback_repeated_parameter callback_empty callback_malformed callback_too_long " +
    "callback_other_redirect_uri callback_other_issuer callback_unexpected code_missing user_id_missing connection_not_confirmed " +
    "exchange_refused invalid_client upstream_unavailable connection_not_found reconnection_required other_api_version " +
    "nothing_to_mend endpoint_not_allowed smartcar_error outcome_unknown storage_unavailable"
  ).split(" "),
);

/** The options of every function that calls the Worker. */
const OPTIONS = ["edge", "getToken", "ticket", "signal"];

/** Takes the options of a function that calls the Worker from a page, with `own` besides those of every such function. */
export function checkedOptions(options, name, own = []) {
  needPage(name);
  return knownOptions(options, name, [...OPTIONS, ...own]);
}

/**
 * Who calls, by the options of a call.
 *
 * @typedef {object} Caller
 * @property {(again?: { rejectedToken?: string }) => unknown} [getToken] the token of the app's log-in
 * @property {unknown} [ticket] what opens a session of the user's, or a function that gives it
 * @property {AbortSignal} [signal] what ends the call
 */

/** @returns {Caller} */
export function callerOf(options) {
  const [getToken, ticket, signal] = ["getToken", "ticket", "signal"].map((name) => {
    try {
      return options?.[name] ?? undefined;
    } catch (cause) {
      throw Object.assign(refused(name, `\`${name}\` could not be read`), { cause });
    }
  });
  if (getToken !== undefined && typeof getToken !== "function") {
    throw refused("getToken", "`getToken` must be a function that gives the token of your app's log-in");
  }
  if (ticket !== undefined && typeof ticket !== "function" && typeof ticket !== "string") {
    throw refused("ticket", "`ticket` must be a ticket of the Worker's, or a function that gives one");
  }
  if (getToken !== undefined && ticket !== undefined) {
    throw refused("ticket", "`ticket` and `getToken` are two ways to say who the user is; leave one of them out");
  }
  return { getToken, ticket, signal };
}

/** The absolute URL at which the Worker is mounted, without a slash at the end. */
export function baseOf(edge = DEFAULT_EDGE) {
  if (typeof edge !== "string") throw refused("edge", `\`edge\` must be a string, not ${describe(edge)}`);
  const malformed = (reason) => refused("edge", `\`edge\` ${reason}; give the path or URL at which the Worker is mounted`);
  let url;
  try {
    url = new URL(edge, location.href);
  } catch {
    throw malformed("is not a URL");
  }
  if (url.search || url.hash) throw malformed("has a query or a hash");
  if (url.username || url.password) throw malformed("has a user name or a password");
  const isLoopback = /^(localhost|\[::1\]|127\.[\d.]+)$/.test(url.hostname);
  if (url.protocol === "http:" && !isLoopback) throw refused("edge", "`edge` is plain `http` off loopback; use `https`");
  if (url.protocol !== "http:" && url.protocol !== "https:") throw malformed("is no address of a Worker");
  return url.origin + url.pathname.replace(/\/+$/, "");
}

/** A connection's id. */
export function checkedId(id) {
  // 22 characters of base64url say 16 bytes only if no bit is left over.
  if (typeof id === "string" && /^[\w-]{21}[AQgw]$/.test(id)) return id;
  const wanted = "a connection's `id` as `connections` gives it, 22 characters of base64url";
  throw refused("id", `\`id\` must be ${wanted}, not ${describe(id)}`);
}

/** The answers of the Worker that are its last word on a request: the same request has no other answer. */
const finals = new WeakSet();

/** Whether the Worker has refused the request itself, and for good. */
export const isFinal = (error) => typeof error === "object" && error !== null && finals.has(error);

/**
 * Calls the Worker and gives what its answer holds, by the table called `answer`; without one the answer says no more than that it is done.
 *
 * @param {Caller} caller
 * @param {string} base where the Worker is
 */
export async function call(caller, base, method, path, body, answer) {
  const request = { method, url: base + path, ...(body === undefined ? {} : { body }) };
  const got = await exchange(caller, base, request);
  if (got.isGood && answer === undefined && got.status === 204 && got.text === "") return undefined;
  const held = got.isGood && answer !== undefined ? read(got.json, answer) : undefined;
  if (held === undefined) throw failure(got, request);
  return held;
}

/** How far the attempt of this fingerprint is, and with what outcome once it is finished: an `AttemptResponse`. */
export async function attemptAt(caller, base, fingerprint) {
  const path = `/connect/attempts/${fingerprint}`;
  const answer = await call(caller, base, "GET", path, undefined, "AttemptResponse");
  if (answer.status === "finished" && answer.outcome === undefined) throw unexpected(base + path, 200);
  return answer;
}

/**
 * Sends a request for the caller: with the token, once there is a session if a ticket opens one, and once more if either has
 * ended meanwhile.
 */
export async function exchange(caller, base, request) {
  const session = await sessionOf(caller, base);
  const token = await tokenOf(caller);
  const answer = await send(caller, request, token);
  if (session?.isOfUser && isWithoutSession(answer)) {
    if (typeof caller.ticket !== "function") throw sessionGone(answer, request);
    await sessionOf(caller, base, session);
    return send(caller, request);
  }
  if (token !== undefined && answer.json?.code === "invalid_token") {
    const fresh = await tokenOf(caller, { rejectedToken: token });
    // It may have ended on its way. Who has logged out is not to be answered as whoever the cookie is for.
    if (fresh !== undefined && fresh !== token) return send(caller, request, fresh);
  }
  return answer;
}

/** Where the user's session is gone, the Worker says so, or has opened one of nobody's. */
function isWithoutSession({ isGood, json }) {
  return isGood ? json?.session === "started" : json?.code === "session_missing";
}

function sessionGone(answer, request) {
  if (!answer.isGood) return failure(answer, request);
  return new ConnectError("session_missing", "the session that the ticket has opened is over; have your back end give another ticket");
}

/** What went wrong by an answer, for the caller. */
export function failure(answer, { url }) {
  const error = problem(answer);
  // A token that has lapsed says nothing of the request.
  const isLast = error && ![429, 503].includes(answer.status) && error.code !== "invalid_token";
  if (isLast) finals.add(error);
  return error ?? unexpected(url, answer.status, answer.retryAfter);
}

/** The sessions that tickets have opened from this page, by the Worker's address. */
const sessions = new Map();

/** With the Worker's address: a mark that changes when a page of this browser signs out. All its pages share the cookie. */
const SIGNED_OUT = "smartcar-connect:signed-out:";

/** How often this page has signed out: where nothing can be stored, it says what the mark can't. */
let signOuts = 0;

/** The mark, and that count. */
function markOf(base) {
  try {
    return `${signOuts} ${localStorage.getItem(SIGNED_OUT + base)}`;
  } catch {
    return `${signOuts}`;
  }
}

/**
 * The session that the caller's ticket opens: one for each page and ticket, however many calls wait for it.
 *
 * @param {object} [ended] the one that is over
 */
async function sessionOf(caller, base, ended) {
  const { ticket } = caller;
  if (ticket === undefined) return undefined;
  const known = sessions.get(base);
  const isKnown = known && known.ticket === ticket && known.mark === markOf(base);
  if (isKnown && !(ended && (await known.opening) === ended)) return known.opening;
  const opening = openSession(caller, base, "/session");
  keepSession(base, ticket, opening);
  return opening;
}

function keepSession(base, ticket, opening) {
  const session = { ticket, opening, mark: markOf(base) };
  sessions.set(base, session);
  const forget = () => sessions.get(base) === session && sessions.delete(base);
  // The next call asks for another ticket: after a failure, and where nobody was logged in, who may be by then.
  opening.then(({ isOfUser }) => isOfUser || forget(), forget);
}

/** Nobody's session is known to be open any more, in any page of this browser. */
export function forgetSession(base) {
  sessions.delete(base);
  signOuts += 1;
  try {
    localStorage.setItem(SIGNED_OUT + base, String(Math.random()));
  } catch {
    // Then the other pages learn it by the Worker's answers.
  }
}

// What it opens is for other calls as well: no signal of one ends it.
async function openSession({ ticket: given }, base, path) {
  const mark = markOf(base);
  const ticket = typeof given === "function" ? await given() : given;
  // Nobody is logged in, or whoever was has signed out meanwhile: a visitor's session.
  if (ticket === undefined || ticket === null || mark !== markOf(base)) return { isOfUser: false };
  if (typeof ticket !== "string") throw refused("ticket", "`ticket` must give a ticket of the Worker's as a string, or nothing");
  const request = { method: "POST", url: base + path, body: JSON.stringify({ ticket }) };
  const answer = await send({}, request);
  if (!answer.isGood || !answer.json) throw problem(answer) ?? unexpected(request.url, answer.status, answer.retryAfter);
  return { isOfUser: true, answer: answer.json };
}

/** Brings along what the visitor's session has connected, to the user of the token or ticket. */
export async function claimSession(caller, base) {
  if (caller.ticket === undefined) return call(caller, base, "POST", "/session/claim", "{}", "ClaimResponse");
  const opening = openSession(caller, base, "/session/claim");
  keepSession(base, caller.ticket, opening);
  const { isOfUser, answer } = await opening;
  if (!isOfUser) throw refused("ticket", "`ticket` gives none, and `claim` needs the user to be logged in");
  const claimed = read(answer, "ClaimResponse");
  if (claimed === undefined) throw unexpected(`${base}/session/claim`, 200);
  return claimed;
}

async function tokenOf({ getToken }, ...again) {
  const token = (await getToken?.(...again)) ?? undefined;
  if (token === undefined) return undefined;
  if (typeof token === "string" && /^[\x21-\x7e]+$/.test(token)) return token;
  throw refused("getToken", "`getToken` must give the token as a string, without spaces, or nothing where nobody is logged in");
}

/**
 * One request, and the whole answer to it.
 *
 * @returns {Promise<{ status: number, isGood: boolean, headers: Headers, text: string, json?: object, retryAfter?: number }>}
 */
async function send({ signal }, { method, url, body, headers: more, deadline = DEADLINE }, token) {
  if (signal?.aborted) throw reasonOf(signal);
  const headers = { Accept: "application/json", "X-Requested-With": "smartcar-connect", ...more };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (token !== undefined) headers.Authorization = `Bearer ${token}`;
  const ending = new AbortController();
  const end = () => ending.abort();
  const timer = setTimeout(end, deadline);
  signal?.addEventListener("abort", end);
  try {
    const response = await fetch(url, {
      method,
      ...(body === undefined ? {} : { body }),
      headers,
      credentials: new URL(url).origin === location.origin ? "same-origin" : "include",
      cache: "no-store",
      // The API never redirects: what does is something else.
      redirect: "manual",
      signal: ending.signal,
    });
    const text = await response.text();
    const wait = waitOf(response.headers.get("Retry-After"));
    return { status: response.status, isGood: response.ok, headers: response.headers, text, json: parsed(text), retryAfter: wait };
  } catch (cause) {
    if (signal?.aborted) throw reasonOf(signal);
    throw unreachable(url, cause);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", end);
  }
}

/** JSON, unless it is not an object. */
function parsed(text) {
  try {
    const json = JSON.parse(text);
    return typeof json === "object" && json !== null ? json : undefined;
  } catch {
    return undefined;
  }
}

/** How many seconds a `Retry-After` asks to wait: a number, of several the largest, or a date. */
function waitOf(header) {
  if (header === null) return undefined;
  const numbers = header.split(",").map((number) => number.trim());
  if (numbers.every((number) => /^\d+$/.test(number))) return Math.min(Math.max(...numbers.map(Number)), LONGEST_WAIT);
  // As all dates of HTTP end that are still made. A browser takes much else for a date.
  const time = header.trim().endsWith(" GMT") ? Date.parse(header) : NaN;
  return time >= 0 ? Math.min(Math.max(Math.floor((time - Date.now()) / 1000), 0), LONGEST_WAIT) : undefined;
}

function unreachable(url, cause) {
  const remedy = "check the network, the option `edge` and, if the Worker is on another origin, that it allows this one";
  return new ConnectError("network_error", `no answer from \`${url}\`; ${remedy}`, { cause });
}

/** An answer that is not one of the Worker's: of whatever stands between it and the page, or of another server. */
export function unexpected(url, status, retryAfter) {
  const error = new ConnectError("unexpected_response", `\`${url}\` ${whatAnswered(status)}`);
  return Object.assign(error, { status, ...(retryAfter === undefined ? {} : { retryAfter }) });
}

/** What an answer that is not the Worker's means by its status, and what to do about it. */
function whatAnswered(status) {
  // A redirect that was not followed has no status.
  if (status === 0 || (status >= 300 && status < 400)) {
    return "leads elsewhere, perhaps to a log-in; let requests to the Worker through, and check the option `edge`";
  }
  if ([401, 403, 407].includes(status)) {
    return "was refused by something in front of the Worker, such as a firewall or a bot check; let requests to the Worker through";
  }
  if (status === 429) return "was asked too often, says something in front of the Worker; try again later";
  if (status >= 500) {
    return "failed before the Worker could answer; try again later, and if it stays so check the option `edge`";
  }
  return "gave an answer that is not the Worker's; check that the option `edge` says where it is mounted";
}

/** The Worker's own account of what went wrong; `undefined` if it is none. */
function problem({ status, json }) {
  const isMember = (name, type, isOptional) => typeof json[name] === type || (isOptional && (json[name] ?? null) === null);
  const isOurs =
    json &&
    ["type", "title", "code", "detail", "requestId"].every((name) => isMember(name, "string")) &&
    isMember("status", "number") &&
    isMember("field", "string", true) &&
    isMember("retryAfter", "number", true);
  if (!isOurs) return undefined;
  const { code, detail, field, requestId, retryAfter, smartcar } = json;
  const error = CODES.has(code) ? new ConnectError(code, detail) : new ConnectError("edge_error", `${detail} (${code})`);
  const told = Object.entries({ status, field, requestId, retryAfter, smartcar }).filter(([, value]) => (value ?? null) !== null);
  return Object.assign(error, Object.fromEntries(told));
}
