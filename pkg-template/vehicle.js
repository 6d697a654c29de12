// Requests about one car, which the Worker passes on to Smartcar: loaded when the first one is made.
import { baseOf, callerOf, checkedOptions, exchange, failure } from "./client.js";
import { ConnectError, refused } from "./errors.js";

/** In milliseconds, longer than the Worker ever waits for Smartcar (`API_TIMEOUT_SECONDS`), which may have to wake a car. */
const DEADLINE = 310_000;

/** The path of each version of Smartcar's API. */
const PATHS = { v2: "v2.0", v3: "v3" };
const UNIT_SYSTEMS = ["metric", "imperial"];

/** Headers of Smartcar's that come with an answer. */
const TOLD = [
  ["requestId", "sc-request-id"],
  ["dataAge", "sc-data-age"],
  ["fetchedAt", "sc-fetched-at"],
  ["unitSystem", "sc-unit-system"],
];

export async function request(id, defaults, method, path, body, options) {
  const general = checkedOptions(defaults, "vehicle", ["version", "unitSystem"]);
  const own = checkedOptions(options, method.toLowerCase(), ["unitSystem", "query"]);
  const { edge, version = "v2", unitSystem, query, ...who } = { ...general, ...own };
  if (typeof id !== "string" || !/^[\w-]+$/.test(id)) throw refused("id", "`id` must be the id of a vehicle, as `vehicles` lists it");
  choice("version", version, Object.keys(PATHS));
  if (unitSystem !== undefined) choice("unitSystem", unitSystem, UNIT_SYSTEMS);
  const [caller, base] = [callerOf(who), baseOf(edge)];
  const url = `${base}/api/${PATHS[version]}/vehicles/${id}${pathOf(path)}${queryOf(query)}`;
  const headers = unitSystem === undefined ? {} : { "sc-unit-system": unitSystem };
  const asked = { method, url, headers, deadline: DEADLINE, ...(body === undefined ? {} : { body: textOf(body) }) };
  const answer = await exchange(caller, base, asked).catch((error) => {
    throw method === "GET" || error.code !== "network_error" ? error : unknownOutcome(error);
  });
  const isDone = answer.status === 204 && answer.text === "";
  if (!answer.isGood || !(answer.json || isDone)) throw failure(answer, asked);
  const told = TOLD.map(([name, header]) => [name, answer.headers.get(header)]).filter(([, value]) => value !== null);
  return { data: answer.json, ...Object.fromEntries(told) };
}

/** What a command has come to whose answer is lost: it may have been carried out. */
function unknownOutcome(cause) {
  const message = "the answer to the command is lost: it may have been carried out; read what the car says before it is sent again";
  return new ConnectError("outcome_unknown", message, { cause });
}

function choice(name, value, choices) {
  if (!choices.includes(value)) throw refused(name, `\`${name}\` must be one of "${choices.join('", "')}"`);
}

/** A path of Smartcar's below the car, and nothing by which it would be another one. */
function pathOf(path) {
  if (typeof path !== "string" || !/^\/[\w./:-]*$/.test(path) || /(^|\/)\.{1,2}(\/|$)/.test(path)) {
    throw refused("path", "`path` must be one of Smartcar's below the vehicle, such as `/odometer`; what follows a `?` is for `query`");
  }
  return path === "/" ? "" : path;
}

function queryOf(query = {}) {
  try {
    const pairs = Object.entries(query).filter(([, value]) => value !== undefined);
    const text = new URLSearchParams(pairs.map(([name, value]) => [name, String(value)])).toString();
    return text && `?${text}`;
  } catch (cause) {
    throw Object.assign(refused("query", "`query` must be an object of parameters"), { cause });
  }
}

function textOf(body) {
  try {
    const text = JSON.stringify(body);
    if (text !== undefined) return text;
  } catch {
    // It has a circle, or a number that JSON has not.
  }
  throw refused("body", "`body` can't be sent as JSON");
}
