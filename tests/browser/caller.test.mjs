// Who calls the Worker: by the token of the app's log-in, by a ticket, and nobody any more.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { call, open, setUp, start } from "./support/chromium.mjs";
import { CONNECTION, json, problem } from "./support/server.mjs";

let lab;
before(async () => {
  lab = await setUp();
});
after(() => lab?.close());
beforeEach(() => lab.world.reset());

const CODE = "0f2c1a58-2a5e-4a1c-9f67-5d8a0f3b9c11";
const OPENED = json({ endsAt: 1805552000000 });

/** Runs a script in the page with the package; what it throws is told. */
async function run(page, script) {
  return page.evaluate(async (script) => {
    const told = (error) => ({ threw: error?.code ?? String(error), field: error?.field, message: error?.message });
    const attempt = (call) => Promise.resolve().then(call).catch(told);
    const body = `return (async () => { ${script} })()`;
    return new Function("connect", "attempt", body)(window.connect, attempt).catch(told);
  }, script);
}

const sentBearers = () => lab.world.requests.filter(({ method }) => method !== "OPTIONS").map(({ headers }) => headers.authorization);

test("the token of the app's log-in is asked for before each request, and sent as the bearer", async (t) => {
  const page = await lab.page(t);
  await run(
    page,
    `let asked = 0;
     const app = connect.createConnect({ getToken: async () => "token-" + ++asked });
     await app.connections();
     await app.vehicles();
     await app.start({ navigate: false });
     await app.disconnect("${CONNECTION.id}");
     await app.disconnectAll();
     await connect.connections({ getToken: () => "free" });`,
  );
  const expected = [1, 2, 3, 4, 5].map((number) => `Bearer token-${number}`);
  assert.deepEqual(sentBearers(), [...expected, "Bearer free"]);
});

test("a page of another origin sends it too", async (t) => {
  const page = await lab.page(t);
  await run(page, `await connect.createConnect({ edge: "${lab.world.elsewhere}/smartcar", getToken: () => "t" }).connections();`);
  assert.deepEqual(sentBearers(), ["Bearer t"]);
});

test("where nobody is logged in no token is sent", async (t) => {
  const page = await lab.page(t);
  await run(page, `for (const none of [undefined, null]) await connect.connections({ getToken: async () => none });`);
  assert.deepEqual(sentBearers(), [undefined, undefined]);
});

test("a token that has lapsed on its way is asked for once more, and no further", async (t) => {
  const page = await lab.page(t);
  lab.world.answers["/connections"] = ({ headers }) =>
    headers.authorization === "Bearer 2" ? json({ connections: [] }) : problem(401, "invalid_token", "it has expired");
  const script = (give) => `let asked = 0; return attempt(() => connect.connections({ getToken: () => ${give} }))`;
  assert.deepEqual(await run(page, script("String(++asked)")), []);
  assert.deepEqual(sentBearers(), ["Bearer 1", "Bearer 2"]);
  lab.world.requests = [];
  assert.equal((await run(page, script("String(++asked + 2)"))).threw, "invalid_token");
  assert.deepEqual(sentBearers(), ["Bearer 3", "Bearer 4"]);
  lab.world.requests = [];
  assert.equal((await run(page, script('"same"'))).threw, "invalid_token");
  assert.deepEqual(sentBearers(), ["Bearer same"]);
});

test("who keeps tokens is told which one was rejected, and is not asked otherwise than before", async (t) => {
  const page = await lab.page(t);
  lab.world.answers["/connections"] = ({ headers }) =>
    headers.authorization === "Bearer new" ? json({ connections: [] }) : problem(401, "invalid_token", "it has expired");
  const script = `
    const asked = [];
    const getToken = (...given) => (asked.push(given), given[0]?.rejectedToken === "kept" ? "new" : "kept");
    await connect.connections({ getToken });
    return asked;`;
  assert.deepEqual(await run(page, script), [[], [{ rejectedToken: "kept" }]]);
});

test("what `getToken` throws comes out of the call, and what it may not give is refused; nothing is sent", async (t) => {
  const page = await lab.page(t);
  const of = (getToken) => run(page, `return attempt(() => connect.connections({ getToken: ${getToken} }))`);
  assert.equal((await of('() => { throw new Error("log in again") }')).message, "log in again");
  assert.equal((await of('async () => { throw new Error("log in again") }')).message, "log in again");
  for (const bad of ['""', "7", "{}", '"a b"', '"a\\n"', '"\\u00e9"']) {
    const { threw, field } = await of(`() => (${bad})`);
    assert.deepEqual([threw, field], ["invalid_option", "getToken"], bad);
  }
  assert.deepEqual(lab.world.requests, []);
  assert.equal((await of('"token"')).field, "getToken");
  const both = await run(page, `return attempt(() => connect.connections({ getToken: () => "a", ticket: "t" }))`);
  assert.deepEqual([both.threw, both.field], ["invalid_option", "ticket"]);
});

test("a callback is not lost where the token can't be had, or is not accepted", async (t) => {
  const page = await lab.page(t);
  const state = await start(page);
  await open(page, `${lab.world.app}/cars?code=${CODE}&state=${state}`);
  const finish = (getToken) => run(page, `return attempt(() => connect.finish(undefined, { getToken: ${getToken} }))`);
  assert.equal((await finish('() => { throw Object.assign(new Error("no"), { code: "x", status: 400 }) }')).threw, "x");
  assert.equal((await call(page, "hasCallback")).value, true);
  const nothing = await run(page, "return connect.finish(undefined, { getToken: () => Promise.reject() }).catch((error) => error === undefined)");
  assert.equal(nothing, true);
  assert.equal((await call(page, "hasCallback")).value, true);
  lab.world.answers["/connect/finish"] = problem(401, "invalid_token", "it has expired");
  assert.equal((await finish('() => "old"')).threw, "invalid_token");
  assert.equal((await call(page, "hasCallback")).value, true);
  lab.world.reset();
  assert.equal((await finish('() => "new"')).kind, "connected");
  assert.deepEqual(sentBearers(), ["Bearer new"]);
});

const paths = () => lab.world.requests.filter(({ method }) => method !== "OPTIONS").map(({ method, path }) => `${method} ${path}`);

test("a ticket opens one session, before anything else, however many calls wait for it", async (t) => {
  const page = await lab.page(t);
  lab.world.answers["POST /session"] = OPENED;
  const asked = await run(
    page,
    `let asked = 0;
     const app = connect.createConnect({ ticket: async () => "t1." + ++asked });
     await Promise.all([app.connections(), app.vehicles(), app.connections()]);
     await app.start({ navigate: false });
     return asked;`,
  );
  assert.equal(asked, 1);
  assert.equal(paths()[0], "POST /session");
  assert.equal(paths().filter((path) => path === "POST /session").length, 1);
  assert.deepEqual(lab.world.sent("/session")[0].body, { ticket: "t1.1" });
});

test("a session that is over is opened once more by another ticket, for all that met it", async (t) => {
  const page = await lab.page(t);
  lab.world.answers["POST /session"] = OPENED;
  lab.world.answers["/connections"] = () =>
    lab.world.sent("/session").length < 2 ? problem(401, "session_missing", "it is over") : json({ connections: [] });
  lab.world.answers["/vehicles"] = () =>
    lab.world.sent("/session").length < 2 ? problem(401, "session_missing", "it is over") : json({ vehicles: [] });
  const asked = await run(
    page,
    `let asked = 0;
     const app = connect.createConnect({ ticket: () => "t1." + ++asked });
     const lists = await Promise.all([app.connections(), app.vehicles(), app.connections()]);
     return [asked, lists];`,
  );
  assert.deepEqual(asked, [2, [[], [], []]]);
  assert.deepEqual(lab.world.sent("/session").map(({ body }) => body.ticket), ["t1.1", "t1.2"]);
  // It stays over.
  lab.world.answers["/connections"] = problem(401, "session_missing", "it is over");
  const again = await run(page, `return attempt(() => connect.connections({ ticket: () => "t1.3" }))`);
  assert.equal(again.threw, "session_missing");
});

test("a ticket that is a text opens a session once, and can't be asked for again", async (t) => {
  const page = await lab.page(t);
  lab.world.answers["POST /session"] = OPENED;
  await run(page, `for (let i = 0; i < 2; i += 1) await connect.connections({ ticket: "t1.a" });`);
  assert.equal(lab.world.sent("/session").length, 1);
  lab.world.answers["/connections"] = problem(401, "session_missing", "it is over");
  assert.equal((await run(page, `return attempt(() => connect.connections({ ticket: "t1.a" }))`)).threw, "session_missing");
  assert.equal(lab.world.sent("/session").length, 1);
  // Another user's.
  lab.world.reset();
  lab.world.answers["POST /session"] = OPENED;
  await run(page, `await connect.connections({ ticket: "t1.b" });`);
  assert.deepEqual(paths(), ["POST /session", "GET /connections"]);
});

test("no car of a user is connected for a visitor: where the session has gone a start opens it again", async (t) => {
  const page = await lab.page(t);
  lab.world.answers["POST /session"] = OPENED;
  const begun = (session) =>
    json({
      externalId: "ext-1",
      applicationId: "11111111-2222-4333-8444-555555555555",
      connectOrigin: lab.world.elsewhere,
      expiresAt: 1790000600000,
      session,
    });
  lab.world.answers["/connect/start"] = () => begun(lab.world.sent("/session").length < 2 ? "started" : "resumed");
  const expiresAt = await run(page, `return (await connect.start({ navigate: false, ticket: () => "t1.a" })).expiresAt`);
  assert.equal(typeof expiresAt, "number");
  assert.deepEqual(paths(), ["POST /session", "POST /connect/start", "POST /session", "POST /connect/start"]);
  lab.world.answers["/connect/start"] = begun("started");
  const gone = await run(page, `return attempt(() => connect.start({ navigate: false, ticket: "t1.x" }))`);
  assert.equal(gone.threw, "session_missing");
});

test("a ticket that is refused is told, and the next call asks for another; without one the caller is a visitor", async (t) => {
  const page = await lab.page(t);
  lab.world.answers["POST /session"] = problem(403, "ticket_rejected", "it was used");
  await run(page, `let asked = 0; window.app = connect.createConnect({ ticket: () => "t1." + ++asked });`);
  assert.equal((await run(page, `return attempt(() => app.connections())`)).threw, "ticket_rejected");
  lab.world.answers["POST /session"] = OPENED;
  assert.equal((await run(page, `return (await app.connections()).length`)), 1);
  assert.deepEqual(lab.world.sent("/session").map(({ body }) => body.ticket), ["t1.1", "t1.2"]);
  lab.world.requests = [];
  await run(page, `await connect.connections({ ticket: () => null });`);
  assert.deepEqual(paths(), ["GET /connections"]);
  const bad = await run(page, `return attempt(() => connect.connections({ ticket: () => 7 }))`);
  assert.deepEqual([bad.threw, bad.field], ["invalid_option", "ticket"]);
});

test("a callback is finished with the ticket's session, and is not lost where there is none", async (t) => {
  const page = await lab.page(t);
  const state = await start(page);
  await open(page, `${lab.world.app}/cars?code=${CODE}&state=${state}`);
  lab.world.reset();
  lab.world.answers["POST /session"] = problem(403, "ticket_rejected", "it was used");
  const finish = () => run(page, `return attempt(() => connect.finish(undefined, { ticket: () => "t1.a" }))`);
  assert.equal((await finish()).threw, "ticket_rejected");
  assert.equal((await call(page, "hasCallback")).value, true);
  lab.world.answers["POST /session"] = OPENED;
  lab.world.requests = [];
  assert.equal((await finish()).kind, "connected");
  assert.deepEqual(paths(), ["POST /session", "POST /connect/finish"]);
});

test("claim brings cars along with a ticket, which opens the session too, and with a token", async (t) => {
  const page = await lab.page(t);
  lab.world.answers["POST /session/claim"] = ({ body }) => json({ connections: 2, endsAt: body === "{}" ? null : 1805552000000 });
  const claimed = await run(
    page,
    `const app = connect.createConnect({ ticket: () => "t1.a" });
     const claimed = await app.claim();
     await app.connections();
     return claimed;`,
  );
  assert.deepEqual(claimed, { connections: 2, endsAt: 1805552000000 });
  assert.deepEqual(paths(), ["POST /session/claim", "GET /connections"]);
  assert.deepEqual(await run(page, `return connect.claim({ getToken: () => "jwt" })`), { connections: 2 });
  assert.deepEqual(lab.world.sent("/session/claim").map(({ body, headers }) => [body, headers.authorization]), [
    [{ ticket: "t1.a" }, undefined],
    [{}, "Bearer jwt"],
  ]);
  lab.world.answers["POST /session/claim"] = problem(401, "session_missing", "claimed by another user");
  assert.equal((await run(page, `return attempt(() => connect.claim({ ticket: "t1.b" }))`)).threw, "session_missing");
});

test("signing out ends the session here or everywhere, opens none, and leaves nothing of the user's behind", async (t) => {
  const page = await lab.page(t);
  lab.world.answers["DELETE /session"] = { status: 204 };
  lab.world.answers["POST /session"] = OPENED;
  await start(page);
  lab.world.requests = [];
  const left = await run(
    page,
    `const app = connect.createConnect({ ticket: () => "t1.a" });
     sessionStorage.setItem("smartcar-connect:finishing", JSON.stringify({ fingerprint: "A".repeat(43), edge: location.origin + "/smartcar", since: Date.now() }));
     await app.signOut();
     const left = [app.unfinishedAttempt(), app.hasCallback()];
     await app.signOut({ everywhere: true });
     await connect.signOut({ getToken: () => "jwt" });
     await connect.signOut({ getToken: () => "jwt", everywhere: true });
     await app.connections();
     return left;`,
  );
  assert.deepEqual(left, [null, false]);
  assert.deepEqual(
    lab.world.requests.map(({ method, path, search, headers }) => [`${method} ${path}${search}`, headers.authorization]),
    [
      ["DELETE /session", undefined],
      ["DELETE /session?everywhere", undefined],
      ["DELETE /session", undefined],
      ["DELETE /session?everywhere", "Bearer jwt"],
      ["POST /session", undefined],
      ["GET /connections", undefined],
    ],
  );
  assert.equal((await run(page, `return attempt(() => connect.signOut({ everywhere: 1 }))`)).field, "everywhere");
  assert.equal((await run(page, `return attempt(() => connect.signOut({ all: true }))`)).field, "all");
});

test("who logs in on a page that began without anybody is the user from then on", async (t) => {
  const page = await lab.page(t);
  lab.world.answers["POST /session"] = OPENED;
  await run(
    page,
    `let user;
     const app = connect.createConnect({ ticket: () => user && "t1." + user });
     await app.connections();
     user = "ada";
     await app.connections();
     await app.disconnectAll();`,
  );
  assert.deepEqual(paths(), ["GET /connections", "POST /session", "GET /connections", "DELETE /connections"]);
});

test("after a sign-out nothing is asked by the session of before: not where it failed, and not in another tab", async (t) => {
  const page = await lab.page(t);
  const tab = await open(await page.context().newPage(), `${lab.world.app}/cars`);
  lab.world.answers["POST /session"] = OPENED;
  const opened = `window.user = "ada"; window.app = connect.createConnect({ ticket: () => user && "t1." + user }); await app.connections();`;
  await run(page, opened);
  await run(tab, opened);
  lab.world.answers["DELETE /session"] = problem(503, "storage_unavailable", "later");
  assert.equal((await run(page, `return attempt(() => app.signOut())`)).threw, "storage_unavailable");
  lab.world.requests = [];
  await run(page, `user = "grace"; await app.connections();`);
  assert.deepEqual(lab.world.sent("/session").filter(({ method }) => method === "POST").map(({ body }) => body.ticket), ["t1.grace"]);
  lab.world.requests = [];
  await run(tab, `user = undefined; await app.connections();`);
  assert.deepEqual(paths(), ["GET /connections"]);
  await run(tab, `user = "grace"; await app.connections();`);
  assert.equal(paths()[1], "POST /session");
});

test("a ticket that comes after its user has signed out opens no session, whether the browser can store something or not", async (t) => {
  for (const blocked of [false, true]) {
    const page = await lab.page(t);
    lab.world.requests = [];
    lab.world.answers["DELETE /session"] = { status: 204 };
    lab.world.answers["POST /session"] = OPENED;
    await run(
      page,
      `if (${blocked}) Object.defineProperty(window, "localStorage", { get() { throw new DOMException("blocked", "SecurityError"); } });
       let give;
       const app = connect.createConnect({ ticket: () => new Promise((resolve) => (give = resolve)) });
       const listed = app.connections();
       while (!give) await new Promise((resolve) => setTimeout(resolve, 10));
       await app.signOut();
       give("t1.ada");
       await listed;`,
    );
    assert.deepEqual(paths(), ["DELETE /session", "GET /connections"], String(blocked));
  }
});

test("who has logged out meanwhile is not answered as whoever the cookie is for", async (t) => {
  const page = await lab.page(t);
  lab.world.answers["DELETE /connections"] = problem(401, "invalid_token", "it has expired");
  const script = `let tokens = ["old", null]; return attempt(() => connect.disconnectAll({ getToken: () => tokens.shift() }))`;
  assert.equal((await run(page, script)).threw, "invalid_token");
  assert.deepEqual(sentBearers(), ["Bearer old"]);
});
