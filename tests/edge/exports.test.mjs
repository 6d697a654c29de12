// Whatever a Worker exports can be called over a service binding, without any of the checks in front of its routes.
import assert from "node:assert/strict";
import path from "node:path";
import { after, test } from "node:test";

import { startEdge } from "./harness/edge.mjs";
import { closeConnections, send } from "./harness/http.mjs";
import { workerDirectory, workerModules } from "./harness/paths.mjs";

// The built script is looked at where it runs: it cannot be imported elsewhere.
const ENTRY = `
import * as built from "./entry.js";
const methods = (object) => Reflect.ownKeys(object).filter((name) => name !== "constructor").map(String).sort();
export const { ApplicationToken, Vault, WebhookInbox } = built;
export default {
  fetch: () => Response.json({
    exports: Object.keys(built).sort(),
    entrypoint: methods(built.default),
    vault: methods(built.Vault.prototype),
    applicationToken: methods(built.ApplicationToken.prototype),
    inbox: methods(built.WebhookInbox.prototype),
  }),
};
`;

const edge = await startEdge({
  bindings: {},
  modules: [{ type: "ESModule", path: path.join(workerDirectory, "exports.js"), contents: ENTRY }, ...workerModules()],
});
after(async () => {
  closeConnections();
  await edge.stop();
});
const seen = (await send(edge.at(0))).json();

test("the Worker exports the entrypoint and its Durable Objects", () => {
  assert.deepEqual(seen.exports, ["ApplicationToken", "Vault", "WebhookInbox", "default"]);
});

test("the entrypoint answers `fetch` and the cron trigger, and nothing else", () => {
  assert.deepEqual(seen.entrypoint, ["fetch", "scheduled"]);
});

test("the Vault answers `ask` and `alarm` and nothing else", () => {
  assert.deepEqual(seen.vault, ["alarm", "ask"]);
});

test("the ApplicationToken answers `ask` and nothing else", () => {
  assert.deepEqual(seen.applicationToken, ["ask"]);
});

test("the inbox for webhooks answers `receive` and `alarm` and nothing else", () => {
  assert.deepEqual(seen.inbox, ["alarm", "receive"]);
});
