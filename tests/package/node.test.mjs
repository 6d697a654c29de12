// In Node: ready when imported, the same names behind every entry.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import { consumer, run } from "./support/consumer.mjs";

const NAMES = [
  "ConnectError",
  "authorizeUrl",
  "checkCallback",
  "connections",
  "createState",
  "disconnect",
  "disconnectAll",
  "finish",
  "hasCallback",
  "init",
  "reauthenticateUrl",
  "start",
  "stateFingerprint",
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

test("the compiled module exports the functions of the API and nothing else to call", async (t) => {
  const { installed } = await consumer(t);
  const glue = await import(join(installed, "connect.js"));
  const internal = ["default", "initSync"];
  const api = NAMES.filter((name) => !["ConnectError", "init"].includes(name));
  assert.deepEqual(Object.keys(glue).filter((name) => !internal.includes(name)).sort(), api);
});

test("in Node the package works at once, and `init` has nothing left to do", async (t) => {
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
