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

// Nothing that a caller passes makes the real module trap, so this stands in for it.
const TRAPPING = `
  const trap = () => { throw new WebAssembly.RuntimeError("unreachable"); };
  export default async () => {};
  export const initSync = () => {};
  export const createState = trap, hasCallback = trap, checkCallback = trap;
  export const start = async () => trap();
  export const finish = async () => "fine";
  export const stateFingerprint = () => "fine", authorizeUrl = stateFingerprint, reauthenticateUrl = stateFingerprint;`;

for (const [how, trap] of [
  ["a synchronous", (entry) => entry.createState()],
  ["an asynchronous", (entry) => entry.start()],
]) {
  test(`after a trap in ${how} call nothing runs again`, async (t) => {
    const { installed } = await consumer(t);
    await writeFile(join(installed, "connect.js"), TRAPPING);
    const entry = await import(join(installed, "index.js"));
    await entry.init();
    assert.equal(await entry.finish(), "fine");
    await assert.rejects(async () => trap(entry), code("internal"));
    assert.throws(() => entry.stateFingerprint("x"), code("internal"));
    await assert.rejects(entry.finish(), code("internal"));
    await assert.rejects(entry.init(), code("internal"));
  });
}
