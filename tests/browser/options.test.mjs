import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { call, setUp } from "./support/chromium.mjs";
import { problem } from "./support/server.mjs";

let lab;
let page;
before(async (t) => {
  lab = await setUp();
  const context = await lab.profile({ after: () => {} });
  page = await context.newPage();
  await page.goto(`${lab.world.app}/cars`);
  await page.waitForFunction(() => document.title === "ready");
});
after(() => lab?.close());

const ALL =
  "`edge`, `getToken`, `ticket`, `signal`, `redirectUri`, `applicationId`, `navigate`, `scope`, `mode`, `approvalPrompt`, `make`, `singleSelect`, " +
  "`singleSelectVin`, `flags`, `user`";

/** Calls in the page with an expression, so that values travel that JSON has not. */
async function refusal(expression) {
  return page.evaluate(async (expression) => {
    try {
      await new Function("connect", `return ${expression}`)(window.connect);
      return "accepted";
    } catch (error) {
      return { code: error.code, field: error.field, message: error.message };
    }
  }, expression);
}

async function assertRefused(expression, field, message) {
  assert.deepEqual(await refusal(expression), { code: "invalid_option", field, message }, expression);
}

test("options that are not an object are refused", async () => {
  for (const [value, name] of [
    ["null", "null"],
    ["5", "a number"],
    ["'live'", '"live"'],
    ["[]", "an array"],
    ["true", "a boolean"],
    ["() => {}", "a function"],
    ["Symbol()", "a symbol"],
    ["5n", "a bigint"],
  ]) {
    await assertRefused(`connect.start(${value})`, "options", `\`start\` takes an object of options, not ${name}`);
  }
  for (const name of ["finish('?code=1&state=s', null)", "connections(null)", "vehicles(null)", "authorizeUrl(null)", "reauthenticateUrl(null)", "checkCallback('?', null)"]) {
    const { code, field, message } = await refusal(`connect.${name}`);
    assert.deepEqual([code, field], ["invalid_option", "options"]);
    assert.match(message, /^`\w+` takes an object of options, not null$/);
  }
});

test("an unknown option is refused, and the known ones are named", async () => {
  await assertRefused("connect.start({ redirectURI: 1 })", "redirectURI", `\`redirectURI\` is not an option of \`start\`; it knows ${ALL}`);
  await assertRefused("connect.start({ edge: undefined, scopes: undefined })", "scopes", `\`scopes\` is not an option of \`start\`; it knows ${ALL}`);
  await assertRefused("connect.vehicles({ Edge: '/x' })", "Edge", "`Edge` is not an option of `vehicles`; it knows `edge`, `getToken`, `ticket`, `signal`");
  await assertRefused("connect.authorizeUrl({ client_secret: 'x' })", "client_secret", (await refusal("connect.authorizeUrl({ client_secret: 'x' })")).message);
});

test("an option of the wrong type is refused", async () => {
  for (const [options, field, message] of [
    ["mode: 'Live'", "mode", '`mode` must be one of "live", "simulated", "test", not "Live"'],
    ["mode: 'a mode that nobody knows'", "mode", '`mode` must be one of "live", "simulated", "test", not that string'],
    ["mode: null", "mode", '`mode` must be one of "live", "simulated", "test", not null'],
    ["approvalPrompt: true", "approvalPrompt", '`approvalPrompt` must be one of "auto", "force", not a boolean'],
    ["scope: 'read_odometer'", "scope", '`scope` must be an array of strings, not "read_odometer"'],
    ["scope: ['a', 1]", "scope", "`scope` must be an array of strings, and has, not a number"],
    ["flags: {}", "flags", "`flags` must be an array of strings, not an object"],
    ["singleSelect: 'yes'", "singleSelect", '`singleSelect` must be true or false, not "yes"'],
    ["navigate: 0", "navigate", "`navigate` must be true or false, not a number"],
    ["redirectUri: new URL('https://a.example')", "redirectUri", "`redirectUri` must be a string, not an object"],
    ["user: 7", "user", "`user` must be a string, not a number"],
    ["edge: null", "edge", "`edge` must be a string, not null"],
  ]) {
    await assertRefused(`connect.start({ ${options} })`, field, message);
  }
  const getter = await refusal("connect.start({ get edge() { throw new Error('no') } })");
  assert.deepEqual(getter, { code: "invalid_option", field: "edge", message: "`edge` could not be read" });
  await assertRefused("connect.finish(undefined, { edge: null })", "edge", "`edge` must be a string, not null");
  await assertRefused("connect.finish('?code=1&state=s', { edge: 7 })", "edge", "`edge` must be a string, not a number");
  await assertRefused("connect.finish(7)", "url", "`url` must be a string or a URL, not a number");
  await assertRefused("connect.finish({})", "url", "`url` must be a string or a URL, not an object");
  await assertRefused("connect.hasCallback(null)", "url", "`url` must be a string or a URL, not null");
});

test("an option whose value is not allowed is refused", async () => {
  for (const [options, field, message] of [
    ["redirectUri: '/cars'", "redirectUri", /^`redirectUri` is not an absolute URL/],
    ["redirectUri: 'http://a.example/'", "redirectUri", /^`redirectUri` is plain `http` off loopback; use `https`$/],
    ["redirectUri: 'http://127.evil.example/'", "redirectUri", /plain `http`/],
    ["redirectUri: 'http://[::2]/'", "redirectUri", /plain `http`/],
    ["redirectUri: 'https://a.example/#x'", "redirectUri", /fragment/],
    ["redirectUri: 'https://a.example/#'", "redirectUri", /fragment/],
    ["redirectUri: 'https://user@a.example/'", "redirectUri", /user name or password/],
    ["redirectUri: 'https://a.example/?state=1'", "redirectUri", /adds on its own/],
    ["redirectUri: 'https://a.example:99999/'", "redirectUri", /not an absolute URL/],
    ["redirectUri: 'https:a.example'", "redirectUri", /not an absolute URL/],
    ["redirectUri: 'ftp://a.example'", "redirectUri", /scheme/],
    ["redirectUri: 'https://a.example/\\\\x'", "redirectUri", /backslash/],
    ["redirectUri: ''", "redirectUri", /^`redirectUri` is empty; give a value$/],
    ["applicationId: 'client_12'", "applicationId", /^`applicationId` is the id of an API credential/],
    ["singleSelectVin: '123'", "singleSelectVin", /^`singleSelectVin` is not a vehicle identification number/],
    ["singleSelectVin: '5YJ3E1EA7KF317000', singleSelect: false", "singleSelectVin", /contradicts/],
    ["scope: ['a b']", "scope", /contains a space/],
    ["flags: ['a\\nb']", "flags", /control character/],
    ["make: ''", "make", /is empty/],
    ["user: 'x'.repeat(200)", "user", /too long/],
    ["edge: 'http://edge.example'", "edge", /^`edge` is plain `http` off loopback/],
    ["edge: '/x?y'", "edge", /^`edge` has a query or a hash; give the path or URL/],
    ["edge: 'https://a:b@c.example'", "edge", /user name/],
    ["edge: 'https://'", "edge", /^`edge` is not a URL/],
    ["edge: 'javascript:1'", "edge", /^`edge` /],
  ]) {
    const refused = await refusal(`connect.start({ ${options} })`);
    assert.deepEqual([refused.code, refused.field], ["invalid_option", field], options);
    assert.match(refused.message, message);
  }
});

test("no message of a refused call has a Rust type's name, a line break or a secret in it", async () => {
  const secret = "5YJ3E1EA7KF31700O";
  for (const expression of [
    `connect.start({ singleSelectVin: '${secret}' })`,
    `connect.start({ mode: '${secret}!' })`,
    `connect.stateFingerprint('${secret}\\n')`,
    `connect.checkCallback('${secret}', { state: '${secret}', redirectUri: 'https://a.example/' })`,
    `connect.finish('?code=${secret}&state=${secret}')`,
    `connect.finish('?code=${secret}&code=${secret}&state=${secret}')`,
    "connect.stateFingerprint()",
    "connect.checkCallback()",
    "connect.authorizeUrl()",
  ]) {
    const { message } = await refusal(expression);
    assert.ok(message && !message.includes(secret) && !message.includes("\n"), message);
    assert.doesNotMatch(message, /struct|enum|unit value|Option|String\b|JsValue|::/);
    assert.match(message, /^[`a-z]/);
  }
});

test("no value of an option or argument stops the module", async () => {
  // An accepted start must not leave the page.
  lab.world.answers["/connect/start"] = problem(503, "misconfigured", "not now");
  const values = ["undefined", "null", "0", "-1", "NaN", "1e400", "''", "'\\ud800'", "'\\u0000'", "[]", "[[]]", "({})", "Symbol.iterator", "10n", "() => 1", "new Proxy({}, { get() { throw 1 }, ownKeys() { return ['mode'] }, getOwnPropertyDescriptor() { return { enumerable: true, configurable: true } } })", "Object.create(null)", "new Date(NaN)", "'x'.repeat(100000)"];
  const calls = [
    (v) => `connect.start(${v})`,
    (v) => `connect.start({ mode: ${v}, navigate: false })`,
    (v) => `connect.start({ edge: ${v}, navigate: false })`,
    (v) => `connect.finish(${v}, ${v})`,
    (v) => `connect.connections({ edge: ${v} })`,
    (v) => `connect.connections({ signal: ${v} })`,
    (v) => `connect.connections({ getToken: ${v}, ticket: ${v} })`,
    (v) => `connect.signOut(${v})`,
    (v) => `connect.claim({ edge: ${v} })`,
    (v) => `connect.vehicle(${v}, ${v}).get(${v}, ${v})`,
    (v) => `connect.vehicle("v", { version: ${v}, unitSystem: ${v} }).post("/x", ${v}, { query: ${v} })`,
    (v) => `connect.hasCallback(${v})`,
    (v) => `connect.stateFingerprint(${v})`,
    (v) => `connect.authorizeUrl({ applicationId: 'a', state: 's', scope: [${v}], externalId: ${v} })`,
    (v) => `connect.authorizeUrl({ applicationId: ${v}, state: ${v}, connectOrigin: ${v} })`,
    (v) => `connect.reauthenticateUrl({ resolutionUrl: ${v}, state: 's', redirectUri: ${v} })`,
    (v) => `connect.checkCallback(${v}, { state: 's', redirectUri: 'https://a.example/', startedAt: ${v} })`,
  ];
  for (const value of values) {
    for (const make of calls) {
      const result = await refusal(make(value));
      assert.ok(result === "accepted" || (result.code && result.code !== "internal"), `${make(value)}: ${result.message}`);
    }
  }
  assert.match((await call(page, "createState")).value, /^smartcar-connect\.[\w-]{43}$/);
});
