// The callback is gone from the history for good, whatever a router writes into it afterwards.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { call, open, setUp, start } from "./support/chromium.mjs";

let lab;
before(async () => {
  lab = await setUp();
});
after(() => lab?.close());
beforeEach(() => lab.world.reset());

const CODE = "0f2c1a58-2a5e-4a1c-9f67-5d8a0f3b9c11";

/** A page that is back from Connect. */
async function back(t, more = "") {
  const page = await lab.page(t);
  const state = await start(page);
  const path = `/cars?${more}code=${CODE}&state=${state}`;
  await open(page, `${lab.world.app}${path}`);
  return { page, state, path };
}

/** Goes through all entries of this document, and checks that none has the callback. */
async function assertClean(page, state) {
  const entries = await page.evaluate(async () => {
    const seen = [];
    const look = () => seen.push(location.href, JSON.stringify(history.state));
    const step = (delta) =>
      new Promise((resolve) => {
        addEventListener("popstate", resolve, { once: true });
        setTimeout(resolve, 30_000);
        history.go(delta);
      });
    look();
    const { position = 0 } = history.state ?? {};
    for (let left = position; left > 0; left -= 1) {
      await step(-1);
      look();
    }
    for (let left = position; left > 0; left -= 1) {
      await step(1);
      look();
    }
    return seen;
  });
  for (const entry of entries) {
    for (const secret of [CODE, state, encodeURIComponent(CODE)]) assert.ok(!entry?.includes(secret), entry);
  }
  return entries;
}

test("a router that keeps addresses in its state, as vue-router does, brings no callback back", async (t) => {
  for (const [moment, writesLater] of [["before finish", false], ["in the middle", true]]) {
    const { page, state, path } = await back(t, "tab=2&");
    const kinds = await page.evaluate(
      async ([path, writesLater]) => {
        // The first navigation of vue-router: the state has the address, which stands in the bar again when it ends.
        const first = { back: null, current: path, forward: null, replaced: true, position: 0, scroll: null };
        if (!writesLater) history.replaceState(first, "", path);
        const finishing = window.connect.finish();
        await Promise.resolve();
        await Promise.resolve();
        if (writesLater) history.replaceState(first, "", path);
        const outcome = await finishing;
        // `push`: the entry is written again with what the router remembers, and then the next one.
        const current = { ...first, ...history.state, forward: "/settings" };
        history.replaceState({ ...first, forward: "/settings" }, "", path);
        history.replaceState(current, "", current.current);
        history.pushState({ back: path, current: "/settings", forward: null, replaced: false, position: 1, nested: [{ from: path }] }, "", "/settings");
        return outcome.kind;
      },
      [path, writesLater],
    );
    assert.equal(kinds, "connected", moment);
    const entries = await assertClean(page, state);
    assert.ok(entries.includes(`${lab.world.app}/cars?tab=2`), entries.join("\n"));
    assert.ok(entries.some((entry) => entry?.includes('"current":"/cars?tab=2"')), entries.join("\n"));
  }
});

test("a router that remembers the query, as React Router does, brings no callback back", async (t) => {
  const { page, state } = await back(t);
  await page.evaluate(async () => {
    const remembered = new URLSearchParams(location.search);
    await window.connect.finish();
    remembered.set("tab", "a b");
    history.pushState({ usr: { from: { search: `?${remembered}` } }, key: "k", idx: 1, position: 1 }, "", `?${remembered}`);
    history.replaceState(history.state, "", new URL(`/cars?${remembered}#part`, location.href));
  });
  const entries = await assertClean(page, state);
  assert.ok(entries.includes(`${lab.world.app}/cars?tab=a+b#part`), entries.join("\n"));
});

test("an entry that had the callback before finish loses it when it turns up again", async (t) => {
  const { page, state, path } = await back(t);
  const seen = await page.evaluate(async (path) => {
    history.pushState({ position: 1 }, "", "/elsewhere");
    const { kind } = await window.connect.finish(path);
    let atPop;
    addEventListener("popstate", () => (atPop = location.href), { once: true });
    await new Promise((resolve) => {
      addEventListener("popstate", resolve, { once: true });
      history.back();
    });
    return { kind, atPop, has: window.connect.hasCallback() };
  }, path);
  assert.deepEqual(seen, { kind: "connected", atPop: `${lab.world.app}/cars`, has: false });
  await assertClean(page, state);
});

test("what is not of the callback stays as it is, states that are no plain objects included", async (t) => {
  const { page } = await back(t);
  const kept = await page.evaluate(async () => {
    const state = { at: new Date(5), set: new Set([1]), list: [1, { a: null }], text: "code=1" };
    state.self = state;
    history.replaceState(state, "");
    await window.connect.finish();
    const after = history.state;
    history.pushState("a state", "", "/x?code=1&state=2");
    const pushed = [history.state, location.search];
    history.replaceState(null, "");
    return [after.at.getTime(), after.set.has(1), JSON.stringify(after.list), after.text, after.self === after, ...pushed, history.state, location.search];
  });
  assert.deepEqual(kept, [5, true, '[1,{"a":null}]', "code=1", true, "a state", "?code=1&state=2", null, "?code=1&state=2"]);
});
