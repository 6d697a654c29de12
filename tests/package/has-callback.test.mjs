// `hasCallback` is written in JavaScript, so that no module is loaded for it, and what `finish` goes by in Rust: both decide alike.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { consumer } from "./support/consumer.mjs";

const ADDRESSES = [
  "",
  "?",
  "/cars?code=1&state=s",
  "/cars?code=1",
  "/cars?state=s",
  "/cars#code=1&state=s",
  "/cars?error=access_denied&state=s#top",
  "https://app.example/cars?user_id=u&state=",
  "https://app.example/cars?vehicle_id=v&state=s",
  "https://app.example/cars?%73tate=s&c%6fde=1",
  "https://app.example/cars?State=s&Code=1",
  "https://app.example/cars?state=s&error_description=d",
  "code=1&state=s",
  "?code=1&state=s",
  "??code=1&state=s",
  "/cars??state=s&code=1",
  "cars?code=1&state=s",
  "sc1:/x?code=1&state=s",
  "/a=b?code=1&state=s",
  "flag&x?y=1&code=1&state=s",
  "code=1&error_description=why?&state=s",
  "virtual_key_url=https://a.example/?b&state=s&code=1",
  "/cars?code=1&+state=s",
  "/cars?code&state",
  "/cars?code=1;state=s",
];
const PIECES = [
  ..."?&=#/:+%;. ",
  ...["code", "state", "error", "user_id", "vehicle_id", "error_description", "%73tate", "c%6Fde", "%", "%zz", "%C3"],
  ...["https://app.example", "http:", "//", "sc1:/", "a", "tab=2", "\u00e9", "\u{1f697}", "\ud800", "\n", "&state=s", "&code=1"],
  ...["smartcar-connect.", "&state=smartcar-connect.s", "&state=smartcar-connect"],
];
/** Each also with a state of ours. */
const MARKED = ADDRESSES.map((address) => address.replaceAll("state=s", "state=smartcar-connect.s"));

/** The same pieces in the same order every time: a generator by Marsaglia. */
function pieces(seed) {
  let bits = seed;
  const next = (below) => {
    bits ^= bits << 13;
    bits ^= bits >>> 17;
    bits ^= bits << 5;
    return (bits >>> 0) % below;
  };
  return () => Array.from({ length: 1 + next(9) }, () => PIECES[next(PIECES.length)]).join("");
}

async function both(t) {
  const { installed } = await consumer(t);
  const module = await import(join(installed, "connect.js"));
  module.initSync({ module: await readFile(join(installed, "connect_bg.wasm")) });
  const script = await import(join(installed, "index.js"));
  const inModule = (address) => {
    const { callback, isOurs } = module.readCallback(address);
    const names = [...new URLSearchParams(`&${callback}`).keys()];
    return isOurs && names.some((name) => ["code", "error", "user_id", "vehicle_id"].includes(name));
  };
  return { module, inModule, inScript: script.hasCallback };
}

test("for every address", async (t) => {
  const { inModule, inScript } = await both(t);
  const made = pieces(0x5ca1ab1e);
  const seen = { true: 0, false: 0 };
  for (const address of [...ADDRESSES, ...MARKED, ...Array.from({ length: 50_000 }, made)]) {
    const expected = inModule(address);
    assert.equal(inScript(address), expected, JSON.stringify(address));
    seen[expected] += 1;
  }
  assert.ok(seen.true > 500 && seen.false > 500, JSON.stringify(seen));
});

test("for what is no string", async (t) => {
  const { module, inScript } = await both(t);
  const told = (call) => {
    try {
      return call();
    } catch ({ name, code, field, message }) {
      return { name, code, field, message };
    }
  };
  const url = new URL("https://app.example/?code=1&state=smartcar-connect.s");
  for (const value of [url, { href: "/?code=1&state=smartcar-connect.s" }]) assert.equal(inScript(value), true);
  for (const value of [{}, { href: 1 }, null, [], 1, true, Symbol.iterator]) {
    const refusal = told(() => module.checkCallback(value, {}));
    assert.equal(refusal.field, "url", String(value));
    assert.deepEqual(told(() => inScript(value)), refusal, String(value));
  }
  assert.equal(told(() => inScript(undefined)).code, "not_in_browser");
});
