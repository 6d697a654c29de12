// The state of a page's connections, with the functions of the package replaced by some that are told when to answer, and with as much
// of a page as it needs.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, mock, test } from "node:test";

import { consumer } from "./support/consumer.mjs";

const CAR = { id: "one", status: "active", vehicles: [{ id: "car" }] };
const MINUTE = 60_000;
const SIGNED_OUT = "smartcar-connect:signed-out:https://app.example/smartcar";

let createConnectStore;
const cleanups = [];
after(() => Promise.all(cleanups.map((clean) => clean())));
before(async () => {
  const { installed } = await consumer({ after: (clean) => cleanups.push(clean) });
  ({ createConnectStore } = await import(join(installed, "store.js")));
});

beforeEach(() => {
  globalThis.window = new EventTarget();
  globalThis.document = Object.assign(new EventTarget(), { hidden: false });
  mock.timers.enable({ apis: ["Date", "setTimeout"], now: 1_000_000 });
});
afterEach(() => {
  mock.timers.reset();
  delete globalThis.window;
  delete globalThis.document;
});

/** A turn of the queue, in which everything has happened that waits for nothing. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** The functions of the package. `asked` has the calls; each is answered as its name is in `answers`. */
function fake(answers = {}) {
  const asked = [];
  const all = { hasCallback: false, unfinishedAttempt: null, connections: [], vehicles: [], ...answers };
  const answer = (name) => (...given) => {
    asked.push(given.length > 0 && given[0] !== undefined ? [name, ...given] : name);
    const value = typeof all[name] === "function" ? all[name](...given) : all[name];
    if (["hasCallback", "unfinishedAttempt", "forgetAttempt"].includes(name)) return value;
    return value instanceof Error ? Promise.reject(value) : Promise.resolve(value);
  };
  const names = [
    ...["start", "popup", "reconnect", "finish", "connections", "vehicles", "disconnect", "disconnectAll", "claim", "signOut"],
    ...["hasCallback", "unfinishedAttempt", "forgetAttempt"],
  ];
  const connect = Object.fromEntries(names.map((name) => [name, answer(name)]));
  const count = (name) => asked.filter((call) => [call].flat()[0] === name).length;
  return { connect, asked, answers: all, count };
}

/** A store, and every state that it had since somebody subscribed. */
function watched(connect, options = {}) {
  const store = createConnectStore({ connect, ...options });
  const states = [];
  const unsubscribe = store.subscribe(() => states.push(store.getSnapshot()));
  return { store, states, unsubscribe };
}

const stored = (key, newValue) => window.dispatchEvent(Object.assign(new Event("storage"), { key, newValue }));
const shown = () => document.dispatchEvent(new Event("visibilitychange"));

/** A promise, and what ends it. */
function later() {
  const work = {};
  work.promise = new Promise((resolve, reject) => Object.assign(work, { resolve, reject }));
  return work;
}

test("nothing happens before somebody subscribes, nor in the same turn", async () => {
  const { connect, asked } = fake();
  const store = createConnectStore({ connect });
  await settled();
  assert.deepEqual(asked, []);
  store.subscribe(() => {});
  assert.deepEqual(asked, []);
  assert.equal(store.getSnapshot(), store.getServerSnapshot());
  await settled();
  assert.deepEqual(asked, ["unfinishedAttempt", "hasCallback", "connections"]);
});

test("on a server nothing happens at all", async () => {
  delete globalThis.window;
  const { connect, asked } = fake({ hasCallback: true });
  const { store } = watched(connect);
  await settled();
  assert.deepEqual(asked, []);
  assert.equal(store.getSnapshot(), store.getServerSnapshot());
});

test("the lists are there once they are known, and a state is never changed", async () => {
  const { connect } = fake({ connections: [CAR], vehicles: [{ id: "car" }] });
  const { store } = watched(connect, { vehicles: true });
  const before = store.getSnapshot();
  await settled();
  assert.equal(before.connections, null);
  assert.deepEqual(store.getSnapshot().connections, [CAR]);
  assert.deepEqual(store.getSnapshot().vehicles, [{ id: "car" }]);
});

test("what is not asked for is not asked", async () => {
  const { connect, count } = fake({ signOut: undefined });
  const { store } = watched(connect, { connections: false });
  await settled();
  await store.refresh();
  await store.signOut();
  assert.deepEqual([count("connections"), count("vehicles")], [0, 0]);
  assert.equal(store.getSnapshot().connections, null);
});

test("a callback is finished once, by whoever subscribes and leaves and subscribes again, before the lists are asked for", async () => {
  const end = later();
  const { connect, count } = fake({ hasCallback: true, finish: () => end.promise, connections: [CAR] });
  const store = createConnectStore({ connect });
  // As React's StrictMode mounts.
  store.subscribe(() => {})();
  store.subscribe(() => {});
  await settled();
  const leave = store.subscribe(() => {});
  leave();
  assert.equal(store.getSnapshot().busy, "finish");
  assert.deepEqual([count("finish"), count("connections")], [1, 0]);
  end.resolve({ kind: "connected", connection: CAR });
  await settled();
  assert.deepEqual([count("finish"), count("connections")], [1, 1]);
  const { busy, connections, outcome } = store.getSnapshot();
  assert.deepEqual({ busy, connections, outcome: outcome.kind }, { busy: null, connections: [CAR], outcome: "connected" });
});

test("a component that comes while a callback is finished does not finish it again", async () => {
  const end = later();
  const { connect, count } = fake({ hasCallback: true, finish: () => end.promise });
  const { store, unsubscribe } = watched(connect);
  await settled();
  unsubscribe();
  store.subscribe(() => {});
  await settled();
  assert.equal(count("finish"), 1);
});

test("a callback that fails is told of, the lists are there all the same, and it can be finished again", async () => {
  const failure = new Error("the network is down");
  const { connect, answers } = fake({ hasCallback: true, finish: failure, connections: [CAR] });
  const { store } = watched(connect);
  await settled();
  assert.equal(store.getSnapshot().error, failure);
  assert.deepEqual(store.getSnapshot().connections, [CAR]);
  answers.finish = { kind: "access_denied" };
  assert.deepEqual(await store.finish(), { kind: "access_denied" });
  assert.equal(store.getSnapshot().error, null);
  assert.deepEqual(store.getSnapshot().outcome, { kind: "access_denied" });
});

test("a page that leaves stays busy until it has gone; back by the Back button, or if it never goes, it is not", async () => {
  const { connect, answers } = fake({ start: { url: "https://connect.example/", expiresAt: 0 } });
  const { store } = watched(connect);
  await settled();
  await store.start({ scope: ["read_odometer"] });
  answers.unfinishedAttempt = { startedAt: 1, expiresAt: 2, tries: 1 };
  assert.equal(store.getSnapshot().busy, "start");
  shown();
  assert.equal(store.getSnapshot().unfinished, null, "it has only been begun");
  window.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
  assert.equal(store.getSnapshot().busy, null);
  assert.equal(store.getSnapshot().unfinished.tries, 1);

  await store.start();
  mock.timers.tick(10_000);
  assert.equal(store.getSnapshot().busy, null);
  await store.start({ navigate: false });
  assert.equal(store.getSnapshot().busy, null);
});

test("a window is opened in the click itself", async () => {
  const { connect, asked } = fake({ popup: { kind: "popup_closed" } });
  const { store } = watched(connect);
  await settled();
  const opened = store.popup({ make: "TESLA" });
  assert.deepEqual(asked.at(-1), ["popup", { make: "TESLA" }]);
  assert.equal(store.getSnapshot().busy, "popup");
  assert.deepEqual(await opened, { kind: "popup_closed" });
  assert.deepEqual([store.getSnapshot().busy, store.getSnapshot().outcome], [null, { kind: "popup_closed" }]);
});

test("what is called with the event of a click is called with no options", async () => {
  const results = { start: { url: "u" }, popup: { kind: "redirected" }, claim: { connections: 0 } };
  const { connect, asked } = fake(results);
  const { store } = watched(connect);
  const event = new Event("click");
  for (const name of ["start", "popup", "disconnectAll", "claim", "signOut"]) {
    await store[name](event);
    assert.ok(asked.includes(name) && !asked.some((call) => call[0] === name), name);
  }
});

test("an error is told, with no rejection, and the next action takes it away", async () => {
  const failure = new Error("no");
  const { connect, answers } = fake({ start: failure });
  const { store } = watched(connect);
  await settled();
  assert.equal(await store.start(), undefined);
  assert.deepEqual([store.getSnapshot().error, store.getSnapshot().busy], [failure, null]);
  const end = later();
  answers.disconnect = () => end.promise;
  const done = store.disconnect("one");
  assert.equal(store.getSnapshot().error, null);
  end.reject("a text");
  await done;
  assert.equal(store.getSnapshot().error.message, "a text");
  store.dismiss();
  assert.equal(store.getSnapshot().error, null);
});

test("what the page has given up itself is no error", async () => {
  const { connect } = fake({ start: new Error("aborted") });
  const { store } = watched(connect);
  await store.start({ signal: AbortSignal.abort() });
  assert.equal(store.getSnapshot().error, null);
});

test("after a change the lists are new before it is over, and an answer from before it is not believed", async () => {
  const slow = later();
  const { connect, answers } = fake({ connections: () => slow.promise, disconnect: undefined });
  const { store } = watched(connect);
  await settled();
  answers.connections = [];
  await store.disconnect("one");
  assert.deepEqual(store.getSnapshot().connections, []);
  slow.resolve([CAR]);
  await settled();
  assert.deepEqual(store.getSnapshot().connections, []);
});

test("whoever signs out leaves nothing to the next, also not what was asked for before", async () => {
  const slow = later();
  const { connect, answers, count } = fake({ connections: [CAR], signOut: undefined });
  const { store } = watched(connect);
  await settled();
  answers.connections = () => slow.promise;
  store.refresh();
  const before = count("connections");
  await store.signOut();
  assert.deepEqual(store.getSnapshot().connections, []);
  slow.resolve([CAR]);
  await settled();
  assert.deepEqual(store.getSnapshot().connections, []);
  assert.equal(count("connections"), before, "no session is opened for nobody");
});

test("another tab that signs out takes the cars out of this one, which asks for nothing: that would open a session anew", async () => {
  const { connect, count } = fake({ connections: [CAR] });
  const { store, states } = watched(connect);
  await settled();
  stored(SIGNED_OUT, "0.5");
  assert.deepEqual(states.at(-1).connections, []);
  await settled();
  assert.deepEqual(store.getSnapshot().connections, []);
  assert.equal(count("connections"), 1);
});

test("what was under way when somebody signed out tells the next one nothing, and asks for nothing", async () => {
  for (const signOut of [(store) => store.signOut(), async () => stored(SIGNED_OUT, "0.5")]) {
    for (const name of ["popup", "disconnect", "finish"]) {
      const end = later();
      const { connect, answers, count } = fake({ connections: [CAR], signOut: undefined, [name]: () => end.promise });
      const { store, unsubscribe } = watched(connect);
      await settled();
      const work = store[name]("one");
      await signOut(store);
      answers.connections = [CAR];
      end.resolve({ kind: "connected", connection: CAR });
      await work;
      await settled();
      const { connections, outcome, error, busy } = store.getSnapshot();
      assert.deepEqual([connections, outcome, error, busy], [[], null, null, null], name);
      assert.equal(count("connections"), 1, name);
      unsubscribe();
    }
  }
});

test("an error of what was under way when somebody signed out is not the next one's", async () => {
  const end = later();
  const { connect } = fake({ disconnect: () => end.promise, signOut: undefined });
  const { store } = watched(connect);
  await settled();
  const work = store.disconnect("one");
  await store.signOut();
  end.reject(new Error("gone"));
  await work;
  assert.equal(store.getSnapshot().error, null);
});

test("cars that were being waited for when somebody signed out are not asked for any more", async () => {
  const { connect, count } = fake({ connections: [{ ...CAR, vehicles: [], vehiclesPending: true }], signOut: undefined });
  const { store } = watched(connect);
  await settled();
  await store.signOut();
  for (let round = 0; round < 3; round += 1) {
    mock.timers.tick(3000);
    await settled();
  }
  assert.equal(count("connections"), 1);
  assert.deepEqual(store.getSnapshot().connections, []);
});

test("a sign-out is noticed that came while nobody listened, or while the page was put away", async () => {
  const marks = new Map();
  globalThis.localStorage = new Proxy({ getItem: (name) => marks.get(name) ?? null }, { ownKeys: () => [...marks.keys()], getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }) });
  try {
    for (const elsewhere of [
      ({ store, unsubscribe }) => {
        unsubscribe();
        marks.set(SIGNED_OUT, "1");
        store.subscribe(() => {});
      },
      () => {
        marks.set(SIGNED_OUT, "2");
        shown();
      },
    ]) {
      const { connect, count } = fake({ connections: [CAR] });
      const page = watched(connect);
      await settled();
      assert.deepEqual(page.store.getSnapshot().connections, [CAR]);
      elsewhere(page);
      await settled();
      assert.deepEqual(page.store.getSnapshot().connections, []);
      assert.equal(count("connections"), 1);
    }
  } finally {
    delete globalThis.localStorage;
  }
});

test("of who is not signed in any more nothing is shown, and that is told, however it was noticed", async () => {
  for (const code of ["invalid_token", "session_missing"]) {
    const { connect, answers } = fake({ connections: [CAR], vehicles: [{ id: "car" }] });
    const { store } = watched(connect, { vehicles: true });
    await settled();
    mock.timers.tick(MINUTE + 1);
    answers.connections = Object.assign(new Error("over"), { code });
    shown();
    await settled();
    const { connections, vehicles, error } = store.getSnapshot();
    assert.deepEqual([connections, vehicles, error?.code], [null, null, code]);
  }
});

test("lists that fail after a change are told of, and asked for again when the page is shown", async () => {
  const { connect, answers, count } = fake({ connections: [CAR], disconnect: undefined });
  const { store } = watched(connect);
  await settled();
  answers.connections = new Error("later");
  await store.disconnect("one");
  assert.equal(store.getSnapshot().error.message, "later");
  answers.connections = [];
  shown();
  await settled();
  assert.equal(count("connections"), 3);
  assert.deepEqual([store.getSnapshot().connections, store.getSnapshot().error], [[], null]);
});

test("a page that is shown while its callback is finished asks for the lists afterwards only", async () => {
  const end = later();
  const { connect, count } = fake({ hasCallback: true, finish: () => end.promise, connections: [CAR] });
  const { store } = watched(connect);
  await settled();
  window.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: false }));
  await settled();
  assert.deepEqual([count("connections"), store.getSnapshot().connections], [0, null]);
  end.resolve({ kind: "connected" });
  await settled();
  assert.equal(count("connections"), 1);
});

test("a window that was blocked is no outcome: the page itself goes to Connect", async () => {
  const { connect } = fake({ popup: { kind: "redirected" } });
  const { store } = watched(connect);
  await settled();
  assert.deepEqual(await store.popup(), { kind: "redirected" });
  assert.deepEqual([store.getSnapshot().outcome, store.getSnapshot().busy], [null, "popup"]);
});

test("a listener that throws stops neither the others nor what has told it", async (t) => {
  const thrown = [];
  const listeners = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", (error) => thrown.push(error.message));
  t.after(() => {
    process.removeAllListeners("uncaughtException");
    for (const listener of listeners) process.on("uncaughtException", listener);
  });
  const { connect } = fake({ start: { url: "x" } });
  const store = createConnectStore({ connect });
  store.subscribe(() => {
    throw new Error("mine");
  });
  await settled();
  await store.start({ navigate: false });
  await settled();
  assert.equal(store.getSnapshot().busy, null);
  assert.ok(thrown.length > 0 && thrown.every((message) => message === "mine"));
});

test("another tab that finishes brings its cars here, and what is unfinished goes", async () => {
  const { connect, answers } = fake({ unfinishedAttempt: { startedAt: 1, expiresAt: 2, tries: 1 } });
  const { store } = watched(connect);
  await settled();
  assert.equal(store.getSnapshot().unfinished.tries, 1);
  Object.assign(answers, { unfinishedAttempt: null, connections: [CAR] });
  stored("something-else", '{"over":true}');
  await settled();
  assert.equal(store.getSnapshot().unfinished.tries, 1);
  stored("smartcar-connect:attempt:abc", '{"startedAt":1,"over":true}');
  await settled();
  assert.equal(store.getSnapshot().unfinished, null);
  assert.deepEqual(store.getSnapshot().connections, [CAR]);
});

test("a page that is shown again looks for what is new, if that is older than a minute, and says nothing of a failure", async () => {
  const { connect, answers, count } = fake({ connections: [CAR] });
  const { store } = watched(connect);
  await settled();
  shown();
  await settled();
  assert.equal(count("connections"), 1);
  mock.timers.tick(MINUTE + 1);
  answers.connections = new Error("asleep");
  shown();
  await settled();
  assert.equal(count("connections"), 2);
  assert.deepEqual([store.getSnapshot().error, store.getSnapshot().connections], [null, [CAR]]);
});

test("an error of the lists goes with the next ones, and one of an action does not", async () => {
  const { connect, answers } = fake({ connections: new Error("down"), start: new Error("refused") });
  const { store } = watched(connect);
  await settled();
  assert.equal(store.getSnapshot().error.message, "down");
  answers.connections = [];
  await store.refresh();
  assert.equal(store.getSnapshot().error, null);
  await store.start();
  await store.refresh();
  assert.equal(store.getSnapshot().error.message, "refused");
});

test("while the cars of a connection are not known they are asked for again, not for ever, and not for nobody", async () => {
  const { connect, count } = fake({ connections: [{ ...CAR, vehicles: [], vehiclesPending: true }] });
  const { unsubscribe } = watched(connect);
  await settled();
  for (let round = 0; round < 40; round += 1) {
    mock.timers.tick(3000);
    await settled();
  }
  assert.equal(count("connections"), 21);

  const other = fake({ connections: [{ ...CAR, vehicles: [], vehiclesPending: true }] });
  const { unsubscribe: leave } = watched(other.connect);
  await settled();
  leave();
  mock.timers.tick(3000);
  await settled();
  assert.equal(other.count("connections"), 1);
  unsubscribe();
});

test("cars that are still to come are waited for after a failure, by who comes back, of a second connection, and without the list", async () => {
  const waiting = [{ ...CAR, vehicles: [], vehiclesPending: true }];
  const { connect, answers, count } = fake({ connections: waiting, claim: { connections: 1 } });
  const { store, unsubscribe } = watched(connect);
  await settled();
  answers.connections = new Error("asleep");
  mock.timers.tick(3000);
  await settled();
  answers.connections = waiting;
  mock.timers.tick(3000);
  await settled();
  assert.equal(count("connections"), 3);
  unsubscribe();
  store.subscribe(() => {});
  await settled();
  assert.equal(count("connections"), 4);
  for (let round = 0; round < 40; round += 1) {
    mock.timers.tick(3000);
    await settled();
  }
  const all = count("connections");
  await store.claim();
  mock.timers.tick(3000);
  await settled();
  assert.equal(count("connections"), all + 2);

  const other = fake({ connections: waiting, vehicles: [] });
  const { store: names } = watched(other.connect, { connections: false, vehicles: true });
  await settled();
  mock.timers.tick(3000);
  await settled();
  assert.equal(other.count("vehicles"), 2);
  assert.equal(names.getSnapshot().connections, null);
});

test("on a server an action changes nothing for anybody, and rejects with nothing", async () => {
  delete globalThis.window;
  const { connect } = fake({ start: new Error("not in a browser"), forgetAttempt: () => { throw new Error("not in a browser"); } });
  const store = createConnectStore({ connect });
  await store.start();
  await store.refresh();
  store.forgetAttempt();
  assert.equal(store.getSnapshot(), store.getServerSnapshot());
});

test("who has left hears of nothing, and what stays the same is not told", async () => {
  const { connect, count } = fake({ connections: () => Promise.resolve([{ ...CAR }]) });
  const { store, states, unsubscribe } = watched(connect);
  await settled();
  const told = states.length;
  await store.refresh();
  assert.equal(states.length, told);
  unsubscribe();
  await store.start();
  mock.timers.tick(MINUTE + 1);
  shown();
  stored("smartcar-connect:attempt:abc", '{"over":true}');
  await settled();
  assert.equal(states.length, told);
  assert.equal(count("connections"), 2);
});

test("an attempt that the owner forgets is gone", async () => {
  const { connect, answers } = fake({ unfinishedAttempt: { startedAt: 1, expiresAt: 2, tries: 2 } });
  const { store } = watched(connect);
  await settled();
  answers.forgetAttempt = () => (answers.unfinishedAttempt = null);
  store.forgetAttempt();
  assert.equal(store.getSnapshot().unfinished, null);
});

test("options that are not known, and two ways to say where the Worker is, are refused by name", () => {
  const refused = (options, field) => assert.throws(() => createConnectStore(options), { code: "invalid_option", field });
  refused({ scope: [] }, "scope");
  refused({ connect: fake().connect, edge: "/smartcar" }, "edge");
  refused([], "options");
  createConnectStore({ connect: fake().connect, edge: undefined });
});
