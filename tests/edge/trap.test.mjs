// A trap of WebAssembly ends the requests that its isolate is answering, and nothing else: the next one is answered by a module
// that was started again. The lints forbid panics, so that a trap has to be caused from outside: while Rust reads a body,
// JavaScript answers it as no platform would.
import assert from "node:assert/strict";
import path from "node:path";
import { after, test } from "node:test";

import { workerDirectory, workerModules } from "./harness/paths.mjs";
import { until } from "./harness/until.mjs";
import { openEnv } from "./harness/env.mjs";

// Stands between the module and the JavaScript that it calls. Evaluated before the Worker, which starts the module at once.
const HOOKS = `
let trap = null;
export const arm = (how) => (trap = how);

const tooDeep = () => tooDeep() + 1;
const TRAPS = {
  // No array is that long: Rust panics for want of room.
  panic: () => 0xffffffff,
  // What the allocator does when it is asked for what cannot be.
  unreachable: ({ __wbindgen_malloc }) => __wbindgen_malloc(0xffffffff, 1),
  overflow: tooDeep,
};

const PlatformInstance = WebAssembly.Instance;
WebAssembly.Instance = function (module, imports) {
  const functions = imports["./index_bg.js"];
  for (const name of Object.keys(functions).filter((name) => name.startsWith("__wbg_length_"))) {
    const original = functions[name];
    functions[name] = (value) => {
      if (trap === null) return original(value);
      const cause = TRAPS[trap];
      trap = null;
      return cause(instance.exports);
    };
  }
  const instance = new PlatformInstance(module, imports);
  return instance;
};
`;
const ENTRY = `
import { arm } from "./trap-hooks.js";
import built, { ApplicationToken, Vault, WebhookInbox } from "./entry.js";
export { ApplicationToken, Vault, WebhookInbox };
export default {
  fetch(request, env, ctx) {
    const trap = request.headers.get("x-trap");
    if (trap !== null) arm(trap);
    return built.fetch(request, env, ctx);
  },
};
`;
const added = Object.entries({ "trapping.js": ENTRY, "trap-hooks.js": HOOKS }).map(([name, contents]) => ({
  type: "ESModule",
  path: path.join(workerDirectory, name),
  contents,
}));
const env = await openEnv({ modules: [...added, ...workerModules()] });
after(() => env.close());

function trapped(client, trap) {
  const body = { stateFingerprint: "x".repeat(43), redirectUri: env.redirectUri };
  return client.post("/connect/start", body, { headers: { "x-trap": trap }, byPlatform: true });
}

for (const [trap, logged] of [
  ["panic", /Rust panic: panicked at .*\n?capacity overflow/],
  ["unreachable", /RuntimeError: unreachable/],
  // The platform says nothing of it.
  ["overflow", /had hung/],
]) {
  test(`after a trap (${trap}) the next request is answered, and the vaults work on`, async () => {
    const client = env.client();
    await env.connect(client);
    const before = await client.connections();
    assert.equal(before.length, 1);
    const length = env.edge.log().length;
    // Twice, since a module that was started again can trap as well.
    for (let round = 0; round < 2; round += 1) {
      assert.equal((await trapped(client, trap)).status, 500);
      assert.equal((await client.get("/healthz")).status, 200);
      assert.deepEqual(await client.connections(), before);
      assert.equal((await client.start()).status, 200);
    }
    await until("the log tells of it", () => logged.test(env.edge.log().slice(length)));
  });
}
