// The states of the module: not there, loading, there, broken.
import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { consumer } from "./support/consumer.mjs";

const code = (expected) => (error) => {
  assert.equal(error.name, "ConnectError");
  assert.equal(error.code, expected);
  return true;
};

async function browserEntry(t) {
  const { installed } = await consumer(t);
  const wasm = await readFile(join(installed, "connect_bg.wasm"));
  return { installed, wasm, entry: await import(join(installed, "index.js")) };
}

test("before `init` every synchronous function refuses, by name", async (t) => {
  const { entry } = await browserEntry(t);
  for (const name of ["authorizeUrl", "reauthenticateUrl", "createState", "stateFingerprint", "checkCallback"]) {
    assert.throws(() => entry[name](), code("not_initialized"), name);
  }
});

test("a load of the module that failed is forgotten, and one that works is kept", async (t) => {
  const { entry, wasm } = await browserEntry(t);
  await assert.rejects(entry.init(new Uint8Array([1, 2, 3])), code("wasm_unavailable"));
  assert.throws(() => entry.createState(), code("not_initialized"));
  await Promise.all([entry.init(wasm), entry.init(wasm)]);
  await entry.init(new Uint8Array([1, 2, 3]));
  assert.match(entry.createState(), /^smartcar-connect\.[\w-]{43}$/);
});

test("`init` takes a compiled module and a promise of one, too", async (t) => {
  for (const input of [(wasm) => new WebAssembly.Module(wasm), async (wasm) => wasm]) {
    const { entry, wasm } = await browserEntry(t);
    await entry.init(input(wasm));
    assert.match(entry.createState(), /^smartcar-connect\.[\w-]{43}$/);
  }
});

test("where the module has no file, as in many a bundle, it comes as a script", async (t) => {
  const { installed } = await consumer(t);
  await rm(join(installed, "connect_bg.wasm"));
  const entry = await import(join(installed, "index.js"));
  await entry.init();
  assert.match(entry.createState(), /^smartcar-connect\.[\w-]{43}$/);
});

test("`./inline` needs no second file, and loads when first asked", async (t) => {
  const { installed } = await consumer(t);
  const inline = await import(join(installed, "inline.js"));
  assert.throws(() => inline.createState(), code("not_initialized"));
  await inline.init();
  assert.match(inline.createState(), /^smartcar-connect\.[\w-]{43}$/);
});

/** As much of a page as `start` needs. */
function page(t) {
  const stored = new Map();
  const localStorage = {
    get length() {
      return stored.size;
    },
    key: (place) => [...stored.keys()][place],
    getItem: (key) => stored.get(key) ?? null,
    setItem: (key, value) => stored.set(key, value),
    removeItem: (key) => stored.delete(key),
  };
  const told = { applicationId: "a", connectOrigin: "https://connect.example", externalId: "e", expiresAt: 1, session: "resumed" };
  const globals = { window: globalThis, location: new URL("https://app.example/cars"), localStorage, fetch: async () => Response.json(told) };
  for (const [name, value] of Object.entries(globals)) {
    const before = Object.getOwnPropertyDescriptor(globalThis, name);
    Object.defineProperty(globalThis, name, { value, configurable: true });
    t.after(() => (before ? Object.defineProperty(globalThis, name, before) : delete globalThis[name]));
  }
  return stored;
}

// Nothing that a caller passes makes the real module trap, so this stands in for it.
const TRAPPING = `
  const trap = () => { throw new WebAssembly.RuntimeError("unreachable"); };
  export default async () => {};
  export const initSync = () => {};
  export const createState = trap, connectUrl = trap;
  export const newAttempt = ({ user }) => user ? { state: "s", request: { stateFingerprint: "f" } } : trap();
  export const stateFingerprint = () => "fine";`;

for (const [how, trap] of [
  ["a synchronous call", (entry) => entry.createState()],
  ["an asynchronous call", (entry) => entry.start()],
  ["an asynchronous call that has waited", (entry) => entry.start({ user: "u" })],
]) {
  test(`after a trap in ${how} nothing runs again`, async (t) => {
    const stored = page(t);
    const { installed } = await consumer(t);
    await writeFile(join(installed, "connect.js"), TRAPPING);
    const entry = await import(join(installed, "index.js"));
    await entry.init();
    assert.equal(entry.stateFingerprint("x"), "fine");
    await assert.rejects(async () => trap(entry), code("internal"));
    assert.throws(() => entry.stateFingerprint("x"), code("internal"));
    await assert.rejects(entry.finish(), code("internal"));
    await assert.rejects(entry.init(), code("internal"));
    assert.equal(stored.size, 0, "nothing of the attempt is left");
  });
}
