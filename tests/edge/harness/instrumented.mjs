// The built Worker with `instrumented-worker.js` around it, which stands in for the platform, and what tests tell that.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

import { send } from "./http.mjs";
import { workerDirectory, workerModules } from "./paths.mjs";

const ENTRY = readFileSync(new URL("instrumented-worker.js", import.meta.url), "utf8");

/**
 * The modules for `startEdge`, the entry around the built Worker first.
 * @param {string} [around] a script in `worker/` that stands between the two, with those in the folder of its name
 */
export function instrumentedModules(around) {
  const module = (name, contents) => ({ type: "ESModule", path: path.join(workerDirectory, name), contents });
  if (!around) return [module("instrumented.js", ENTRY), ...workerModules()];
  const entry = ENTRY.replace('"./entry.js"', JSON.stringify(`./${around}`));
  const folder = around.replace(/\.js$/, "");
  const parts = readdirSync(path.join(workerDirectory, folder)).map((name) => `${folder}/${name}`);
  const scripts = [around, ...parts].map((name) => module(name, readFileSync(path.join(workerDirectory, name), "utf8")));
  return [module("instrumented.js", entry), ...scripts, ...workerModules()];
}

/** Asks one isolate; `id` is the Durable Object that is meant. */
async function control(edge, name, parameters = {}, isolate = 0, body = undefined) {
  const url = `${edge.at(isolate)}/__test/${name}?${new URLSearchParams(parameters)}`;
  const answer = await send(url, { method: "POST", body });
  if (answer.status !== 200) throw new Error(`${name}: ${answer.status} ${answer.text}`);
  return answer.json();
}

/** Moves the clock of every isolate to `offset` ms from now on the real clock. */
export async function setClock(edge, offset) {
  for (let isolate = 0; isolate < edge.isolates; isolate += 1) await control(edge, "clock", { offset }, isolate);
}

/** Runs the alarm of one inbox for webhooks if it is due. */
export function runInboxAlarm(edge, id) {
  return control(edge, "alarm", { id, of: "WEBHOOK_INBOX" });
}

/** All that one inbox for webhooks stores: names and values. @returns {Promise<[string, string][]>} */
export function storedInInbox(edge, id) {
  return control(edge, "records", { id, of: "WEBHOOK_INBOX" });
}

/**
 * Runs the alarm of one Durable Object if it is due. It never rings by itself.
 * @returns {Promise<{ran: boolean, due: number | null, next?: number | null}>} times in ms since the epoch
 */
export function runAlarm(edge, id) {
  return control(edge, "alarm", { id });
}

/** Ends one Durable Object at once, whatever it is at; the requests that it was answering fail. */
export async function kill(edge, id) {
  // It is answered by nobody: whoever would is dead.
  await send(`${edge.at(0)}/__test/kill?id=${id}`, { method: "POST" });
}

/**
 * Lets a Durable Object end `before` or `after` a write to its storage: `vault`, or whichever writes next.
 * @param {object} [options]
 * @param {string} [options.vault]
 * @param {number} [options.skip] how many writes go by first
 */
export async function killAtWrite(edge, when, { vault, skip = 0 } = {}) {
  await control(edge, "plan", { when, skip, ...(vault ? { vault } : {}) });
}

/** Whether the kill that was planned has happened. */
export async function wasKilled(edge) {
  return (await control(edge, "planned")) === null;
}

/** Lets every request to a Durable Object fail from now on; with no `vault`, to none. */
export async function failVault(edge, vault) {
  await control(edge, "fail", vault ? { vault } : {});
}

/** How many writes a Durable Object is at, and in how many ms its alarm is due; `null` if none is set. */
export function owed(edge, id) {
  return control(edge, "owed", { id });
}

/** The names of all that one Durable Object stores. */
export function storedKeys(edge, id) {
  return control(edge, "keys", { id });
}

/** All that one Durable Object stores: names and sealed records. @returns {Promise<[string, string][]>} */
export function storedRecords(edge, id) {
  return control(edge, "records", { id });
}

/** Asks one Durable Object as the Worker does, whoever it belongs to. */
export function askVault(edge, id, request) {
  return control(edge, "ask", { id }, 0, JSON.stringify(request));
}

/** How many requests the Durable Objects have answered. */
export function vaultCalls(edge) {
  return control(edge, "calls");
}

/** How many rows the Durable Objects have written, as Cloudflare counts them. */
export function rowsWritten(edge) {
  return control(edge, "rows");
}

/** Gives one Durable Object 300 records that do not open, each as an attempt. */
export function fill(edge, id) {
  return control(edge, "fill", { id });
}

/** The most keys that a Durable Object has written or deleted in one call. */
export function mostKeysAtOnce(edge) {
  return control(edge, "most-keys");
}

/** What rate limits have counted by so far, in one isolate: the name of the limit, and the key. */
export function rateKeys(edge, isolate) {
  return control(edge, "rate-keys", {}, isolate);
}

/** The data points so far, of a Worker whose variable `KEEP_POINTS` is set. */
export function points(edge) {
  return control(edge, "points");
}

/** Lets every data point fail that is written from now on, or none. */
export async function failPoints(edge, fail) {
  await control(edge, "metrics", { fail });
}
