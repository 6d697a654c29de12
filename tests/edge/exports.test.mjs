// Whatever a Worker exports can be called over a service binding, without any of the checks in front of its routes.
import assert from "node:assert/strict";
import path from "node:path";
import { after, test } from "node:test";

import { startEdge } from "./harness/edge.mjs";
import { closeConnections, send } from "./harness/http.mjs";
import { workerBuild, workerModules } from "./harness/paths.mjs";

// The built script is looked at where it runs: it cannot be imported elsewhere.
const ENTRY = `
import * as built from "./index.js";
const methods = (type) => Reflect.ownKeys(type.prototype).filter((name) => name !== "constructor").map(String).sort();
export const { Vault } = built;
export default {
  fetch: () => Response.json({
    exports: Object.keys(built).sort(),
    entrypoint: methods(built.default),
    vault: methods(built.Vault),
  }),
};
`;

const edge = await startEdge({
  bindings: {},
  modules: [{ type: "ESModule", path: path.join(workerBuild, "exports.js"), contents: ENTRY }, ...workerModules()],
});
after(async () => {
  closeConnections();
  await edge.stop();
});
const seen = (await send(edge.at(0))).json();

test("the built Worker exports the entrypoint, the Vault, and the classes of the `worker` crate", () => {
  assert.deepEqual(seen.exports, ["ContainerStartupOptions", "MinifyConfig", "R2Range", "Vault", "default"]);
});

test("the entrypoint answers `fetch` and the cron trigger, and nothing else", () => {
  assert.deepEqual(seen.entrypoint, ["fetch", "scheduled"]);
});

test("the Vault answers `fetch` and `alarm` and nothing else", () => {
  assert.deepEqual(seen.vault, ["__destroy_into_raw", "alarm", "fetch", "free", "Symbol(Symbol.dispose)"].sort());
});
