// In Node: idle until a function is called, every one of which then works at once; the same names behind every entry.
import assert from "node:assert/strict";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { build } from "esbuild";

import { consumer, run } from "./support/consumer.mjs";

const NAMES = [
  "ConnectError",
  "authorizeUrl",
  "checkCallback",
  "claim",
  "connections",
  "createConnect",
  "createState",
  "disconnect",
  "disconnectAll",
  "finish",
  "forgetAttempt",
  "hasCallback",
  "init",
  "popup",
  "reauthenticateUrl",
  "reconnect",
  "signOut",
  "start",
  "stateFingerprint",
  "unfinishedAttempt",
  "vehicle",
  "vehicles",
];

/** Those that are JavaScript alone. */
const SCRIPTS = [
  "ConnectError",
  "claim",
  "connections",
  "createConnect",
  "disconnect",
  "disconnectAll",
  "finish",
  "forgetAttempt",
  "hasCallback",
  "init",
  "popup",
  "reconnect",
  "signOut",
  "start",
  "unfinishedAttempt",
  "vehicle",
  "vehicles",
];

test("every entry exports these names and no others", async (t) => {
  const { folder } = await consumer(t, {
    "names.mjs": `
      const names = {};
      for (const entry of ["smartcar-connect", "smartcar-connect/inline", "./node_modules/smartcar-connect/index.js"]) {
        names[entry] = Object.keys(await import(entry)).sort();
      }
      console.log(JSON.stringify(names));`,
  });
  const { stdout } = await run(folder, "node", ["names.mjs"]);
  for (const [entry, names] of Object.entries(JSON.parse(stdout))) assert.deepEqual(names, NAMES, entry);
});

test("the compiled module exports the functions of the API that it has, what the scripts need of it, and nothing else to call", async (t) => {
  const { installed } = await consumer(t);
  const glue = await import(join(installed, "connect.js"));
  // For `start.js` and `finish.js`, the last four.
  const internal = ["default", "initSync", "newAttempt", "connectUrl", "readCallback", "callbackFingerprint"];
  const api = NAMES.filter((name) => !SCRIPTS.includes(name));
  assert.deepEqual(Object.keys(glue).filter((name) => !internal.includes(name)).sort(), api);
});

for (const entry of ["smartcar-connect", "smartcar-connect/inline", "./node_modules/smartcar-connect/index.js"]) {
  test(`importing ${entry} compiles and fetches nothing, and neither does hasCallback`, async (t) => {
    const { folder } = await consumer(t, {
      "idle.mjs": `
        const asked = [];
        const ask = (name) => function () { asked.push(name); throw new Error(name); };
        for (const name of Object.getOwnPropertyNames(WebAssembly)) {
          if (typeof WebAssembly[name] === "function" && !/Error$/.test(name)) WebAssembly[name] = ask(name);
        }
        globalThis.fetch = ask("fetch");
        globalThis.atob = ask("atob");
        Uint8Array.fromBase64 = ask("fromBase64");
        const { hasCallback, init } = await import("${entry}");
        const answers = ["/cars?code=1&state=smartcar-connect.s", "/cars?code=1"].map((url) => hasCallback(url));
        const idle = [...asked];
        await init().catch(() => {});
        console.log(JSON.stringify({ answers, idle, askedLater: asked.length > 0 }));`,
    });
    const { stdout } = await run(folder, "node", ["idle.mjs"]);
    assert.deepEqual(JSON.parse(stdout), { answers: [true, false], idle: [], askedLater: true });
  });
}

test("the module as a script has the bytes of the module, also where the engine cannot read base64 by itself", async (t) => {
  const { installed } = await consumer(t);
  const { default: bytes } = await import(join(installed, "connect_bg.wasm.js"));
  const module = await readFile(join(installed, "connect_bg.wasm"));
  assert.ok(module.equals(bytes()));
  const byTheEngine = Object.getOwnPropertyDescriptor(Uint8Array, "fromBase64");
  delete Uint8Array.fromBase64;
  t.after(() => byTheEngine && Object.defineProperty(Uint8Array, "fromBase64", byTheEngine));
  assert.ok(module.equals(bytes()));
});

test("in Node every function works at once, and `init` has nothing left to do", async (t) => {
  const { folder } = await consumer(t, {
    "use.mjs": `
      import { authorizeUrl, createState, init, stateFingerprint } from "smartcar-connect";
      const state = createState();
      const url = authorizeUrl({
        applicationId: "11111111-2222-4333-8444-555555555555",
        redirectUri: "https://app.example/cars",
        scope: ["required:read_odometer", "read_vin"],
        state,
      });
      await init();
      console.log(JSON.stringify({ url, state, fingerprint: stateFingerprint(state) }));`,
  });
  const { stdout, stderr } = await run(folder, "node", ["use.mjs"]);
  const { url, state, fingerprint } = JSON.parse(stdout);
  const query = new URL(url).searchParams;
  assert.equal(new URL(url).origin, "https://connect.smartcar.com");
  assert.equal(query.get("state"), state);
  assert.equal(query.get("scope"), "required:read_odometer read_vin");
  assert.equal(query.get("redirect_uri"), "https://app.example/cars");
  assert.match(fingerprint, /^[\w-]{43}$/);
  assert.equal(stderr, "");
});

test("a bundle for a server works wherever it is copied to, as one file", async (t) => {
  const { folder } = await consumer(t, {
    "server.mjs": `
      import { createState } from "smartcar-connect";
      console.log(createState());`,
  });
  const outfile = join(folder, "elsewhere", "server.mjs");
  const options = { bundle: true, platform: "node", format: "esm", logLevel: "silent" };
  const { warnings } = await build({ ...options, absWorkingDir: folder, entryPoints: ["server.mjs"], outfile });
  assert.deepEqual(warnings, []);
  await rm(join(folder, "node_modules"), { recursive: true });
  const { stdout } = await run(folder, "node", [outfile]);
  assert.match(stdout, /^smartcar-connect\.[\w-]{43}\n$/);
});

test("an error is an Error with a name, a code and the field at fault", async (t) => {
  const { installed } = await consumer(t);
  const { ConnectError, authorizeUrl } = await import(join(installed, "node.js"));
  assert.throws(
    () => authorizeUrl({ applicationId: "client_123", state: "s" }),
    (error) => {
      assert.ok(error instanceof ConnectError && error instanceof Error);
      assert.equal(error.name, "ConnectError");
      assert.equal(error.code, "invalid_option");
      assert.equal(error.field, "applicationId");
      assert.match(error.stack, /node\.test\.mjs/);
      return true;
    },
  );
});
