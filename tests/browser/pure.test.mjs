import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";
import { call, open, setUp } from "./support/chromium.mjs";

let lab;
let page;
before(async () => {
  lab = await setUp();
  const context = await lab.profile({ after: () => {} });
  page = await open(await context.newPage(), `${lab.world.app}/cars`);
});
after(() => lab?.close());

const APPLICATION = "8229df9f-91a0-4ff0-a1ae-a1f38ee24d07";
const REDIRECT = "https://app.example/back";
const value = async (name, ...args) => {
  const result = await call(page, name, ...args);
  assert.equal(result.error, undefined, JSON.stringify(result.error));
  return result.value;
};
const code = async (name, ...args) => (await call(page, name, ...args)).error?.code;

test("a state is 256 random bits, its fingerprint their SHA-256", async () => {
  const states = await page.evaluate(() => Array.from({ length: 200 }, () => window.connect.createState()));
  assert.equal(new Set(states).size, 200);
  for (const state of states) {
    assert.ok(state.startsWith("smartcar-connect."), state);
    assert.equal(Buffer.from(state.slice("smartcar-connect.".length), "base64url").length, 32);
  }
  for (const state of [states[0], "x", "a state of another back end: {}"]) {
    const expected = createHash("sha256").update(state).digest("base64url");
    assert.equal(await value("stateFingerprint", state), expected);
  }
});

test("the state comes from the platform's generator", async () => {
  const state = await page.evaluate(() => {
    const { getRandomValues } = Crypto.prototype;
    Crypto.prototype.getRandomValues = (array) => array.fill(7);
    try {
      return window.connect.createState();
    } finally {
      Crypto.prototype.getRandomValues = getRandomValues;
    }
  });
  assert.equal(state, `smartcar-connect.${Buffer.alloc(32, 7).toString("base64url")}`);
});

test("authorizeUrl returns the URL that starts a connection", async () => {
  const minimal = await value("authorizeUrl", { applicationId: APPLICATION, state: "s" });
  assert.equal(minimal, `https://connect.smartcar.com/oauth/authorize?response_type=code&application_id=${APPLICATION}&state=s`);
  const url = new URL(
    await value("authorizeUrl", {
      applicationId: APPLICATION,
      redirectUri: `${REDIRECT}?a=b&c`,
      state: "s t&a=b#%",
      responseType: "none",
      scope: ["required:read_vin", "control_security"],
      mode: "test",
      approvalPrompt: "auto",
      make: "MERCEDES BENZ&x=y",
      singleSelect: false,
      flags: ["country:DE"],
      user: "u=1",
      externalId: "Jürgen & co",
      connectOrigin: "http://localhost:9191",
    }),
  );
  assert.equal(url.origin + url.pathname, "http://localhost:9191/oauth/authorize");
  assert.deepEqual(Object.fromEntries(url.searchParams), {
    response_type: "none",
    application_id: APPLICATION,
    redirect_uri: `${REDIRECT}?a=b&c`,
    scope: "required:read_vin control_security",
    state: "s t&a=b#%",
    approval_prompt: "auto",
    mode: "test",
    make: "MERCEDES BENZ&x=y",
    single_select: "false",
    flags: "country:DE",
    user: "u=1",
    external_id: "Jürgen & co",
  });
  const cleared = await value("authorizeUrl", { applicationId: APPLICATION, state: "s", externalId: null });
  assert.equal(new URL(cleared).searchParams.get("external_id"), "null");
});

test("reauthenticateUrl returns the URL that renews the access to a vehicle", async () => {
  const url = await value("reauthenticateUrl", { applicationId: APPLICATION, vehicleId: "v1", redirectUri: REDIRECT, state: "s" });
  const query = new URLSearchParams([
    ["response_type", "vehicle_id"],
    ["application_id", APPLICATION],
    ["vehicle_id", "v1"],
    ["redirect_uri", REDIRECT],
    ["state", "s"],
  ]);
  assert.equal(url, `https://connect.smartcar.com/oauth/reauthenticate?${query}`);

  const resolutionUrl = `https://connect.smartcar.com/oauth/reauthenticate?response_type=vehicle_id&client_id=${APPLICATION}&vehicle_id=v1`;
  const completed = await value("reauthenticateUrl", { resolutionUrl, redirectUri: REDIRECT, state: "s" });
  assert.equal(completed, `${resolutionUrl}&redirect_uri=${encodeURIComponent(REDIRECT)}&state=s`);
  for (const elsewhere of [
    "https://connect.smartcar.com.evil.test/oauth/reauthenticate?a=b",
    "https://connect.smartcar.com@evil.test/",
    "http://connect.smartcar.com/",
    "https://connect.smartcar.com:444/",
  ]) {
    const { error } = await call(page, "reauthenticateUrl", { resolutionUrl: elsewhere, redirectUri: REDIRECT, state: "s" });
    assert.deepEqual([error.code, error.field], ["invalid_option", "resolutionUrl"]);
  }
  const both = await call(page, "reauthenticateUrl", { resolutionUrl, vehicleId: "v1", redirectUri: REDIRECT, state: "s" });
  assert.equal(both.error.field, "vehicleId");
});

test("checkCallback believes a callback for its own state only", async () => {
  const expected = { state: "s1", redirectUri: REDIRECT };
  const read = (query, more) => value("checkCallback", `${REDIRECT}?${query}`, { ...expected, ...more });
  assert.deepEqual(await read("code=c&state=s1&user_id=u&external_id=e&virtual_key_url=https%3A%2F%2Ftesla.example"), {
    kind: "granted",
    code: "c",
    userId: "u",
    externalId: "e",
    virtualKeyUrl: "https://tesla.example",
  });
  assert.deepEqual(await read("code=c&state=s1"), { kind: "granted", code: "c" });
  assert.deepEqual(await read("vehicle_id=v&state=s1"), { kind: "reauthenticated", vehicleId: "v" });
  assert.deepEqual(await read("error=access_denied&error_description=no+thanks&state=s1"), { kind: "access_denied", description: "no thanks" });
  assert.deepEqual(await read("error=vehicle_incompatible&vin=V&make=M&year=2014&state=s1"), {
    kind: "vehicle_incompatible",
    vehicle: { vin: "V", make: "M", year: "2014" },
  });
  assert.deepEqual(await read("error=configuration_error&status_code=400&error_message=m&state=s1"), {
    kind: "configuration_error",
    statusCode: "400",
    errorMessage: "m",
  });
  assert.deepEqual(await read("error=brand_new&state=s1"), { kind: "unknown_error", error: "brand_new" });

  const fingerprint = await value("stateFingerprint", "s1");
  assert.equal((await value("checkCallback", `${REDIRECT}?code=c&state=s1`, { fingerprint, redirectUri: REDIRECT })).code, "c");
  for (const [query, wanted] of [
    ["error=access_denied&state=s2", "state_unknown"],
    ["code=c&state=s2", "state_unknown"],
    ["code=c", "state_missing"],
    ["", "callback_empty"],
    ["code=c&code=d&state=s1", "callback_repeated_parameter"],
    ["code=%FF&state=s1", "callback_malformed"],
    ["code=c&state=s1&iss=https%3A%2F%2Fevil.example", "callback_other_issuer"],
    ["error=access_denied&state=s1&iss=https%3A%2F%2Fevil.example", "callback_other_issuer"],
  ]) {
    assert.equal(await code("checkCallback", `${REDIRECT}?${query}`, expected), wanted, query);
  }
  assert.equal((await read("code=c&state=s1&iss=https%3A%2F%2Fconnect.smartcar.com")).code, "c");
  const both = await call(page, "checkCallback", REDIRECT, { ...expected, fingerprint });
  assert.deepEqual([both.error.code, both.error.field], ["invalid_option", "state"]);
});

test("checkCallback calls nothing granted that brings neither a code nor a user id", async () => {
  const check = (query) => call(page, "checkCallback", `${REDIRECT}?${query}`, { state: "s1", redirectUri: REDIRECT });
  for (const query of ["", "code=", "code", "error_description=d", "vin=V", "response=a.b.c", "?code=a", "code%20=a", "external_id=e"]) {
    const { value: callback, error } = await check(`${query}&state=s1`);
    assert.equal(callback, undefined, query);
    assert.equal(error.code, "code_missing", query);
    assert.match(error.message, /no `code`, `user_id`, `vehicle_id` or `error`/);
    // To whoever does not know the state it says nothing.
    assert.equal((await check(`${query}&state=s2`)).error.code, "state_unknown", query);
  }
  assert.deepEqual((await check("user_id=u&state=s1")).value, { kind: "granted", userId: "u" });
});

test("checkCallback names the difference of a callback at another address", async () => {
  const message = async (url, redirectUri) =>
    (await call(page, "checkCallback", `${url}?code=c&state=s1`, { state: "s1", redirectUri })).error.message;
  assert.match(await message("https://app.example/cars/", "https://app.example/cars"), /has a `\/` at the end/);
  assert.match(await message("https://app.example/cars", "https://app.example/cars/"), /lacks the `\/` at the end/);
  assert.match(await message("http://localhost:1/cars", "http://localhost:2/cars"), /the port differs/);
  assert.match(await message("https://www.app.example/cars", "https://app.example/cars"), /the host differs/);
});

test("each option's message has that option's own remedy", async () => {
  const message = async (name, options) => (await call(page, name, options)).error.message;
  const options = { applicationId: APPLICATION, redirectUri: REDIRECT, state: "s" };
  assert.match(await message("authorizeUrl", { ...options, state: "ü" }), /^`state` contains a character outside ASCII; give ASCII/);
  assert.match(await message("authorizeUrl", { ...options, user: "a b" }), /^`user` contains a space; remove it$/);
  assert.match(await message("authorizeUrl", { ...options, scope: ["a b"] }), /^`scope` contains a space; give each value on its own$/);
  assert.match(await message("authorizeUrl", { ...options, redirectUri: "https://ä.example/" }), /give the host in punycode$/);
});

test("checkCallback refuses a callback at another address", async () => {
  const at = (url, redirectUri = REDIRECT) => code("checkCallback", `${url}?code=c&state=s1`, { state: "s1", redirectUri });
  for (const [url, redirectUri] of [
    [REDIRECT, REDIRECT],
    ["https://app.example:443/back", REDIRECT],
    ["https://app.example/back", "HTTPS://APP.example/x/../back"],
    ["http://127.0.0.1:8/", "http://127.0.0.1:8"],
    ["http://[::1]:8/", "http://[::1]:8/"],
  ]) {
    assert.equal(await at(url, redirectUri), undefined, url);
  }
  for (const url of [
    "https://app.example/back/",
    "https://app.example:444/back",
    "https://app.example.evil.test/back",
    "http://app.example/back",
    "https://x@app.example/back",
    "/back",
    "not a url",
  ]) {
    assert.equal(await at(url), "callback_other_redirect_uri", url);
  }
  const own = { state: "s1", redirectUri: `${REDIRECT}?tenant=7` };
  assert.equal(await code("checkCallback", `${REDIRECT}?tenant=7&code=c&state=s1`, own), undefined);
  assert.equal(await code("checkCallback", `${REDIRECT}?tenant=8&code=c&state=s1`, own), "callback_other_redirect_uri");
});

test("checkCallback refuses a callback that does not come in time", async () => {
  const expected = { state: "s1", redirectUri: REDIRECT };
  const after = (minutes) => code("checkCallback", `${REDIRECT}?code=c&state=s1`, { ...expected, startedAt: Date.now() - minutes * 60_000 });
  assert.equal(await after(9), undefined);
  assert.equal(await after(10), "state_expired");
  for (const startedAt of [1.5, -1, Number.MAX_SAFE_INTEGER + 1, "now"]) {
    const { error } = await call(page, "checkCallback", `${REDIRECT}?code=c&state=s1`, { ...expected, startedAt });
    assert.deepEqual([error.code, error.field], ["invalid_option", "startedAt"]);
  }
});

test("hasCallback says whether an address holds a callback", async () => {
  const has = (url) => value("hasCallback", url);
  const state = "smartcar-connect.s";
  for (const url of [`/cars?code=1&state=${state}`, `?state=${state}&error=e`, `https://a.example/?vehicle_id=v&state=${state}#x`]) {
    assert.equal(await has(url), true, url);
  }
  for (const url of ["/cars", "/cars?code=1", `/cars?state=${state}`, "/cars?code=1&state=s", `https://a.example/#code=1&state=${state}`, `/cars?Code=1&state=${state}`]) {
    assert.equal(await has(url), false, url);
  }
  assert.equal(await page.evaluate(() => window.connect.hasCallback(new URL("https://a.example/?code=1&state=smartcar-connect.s"))), true);
  assert.equal(await page.evaluate(() => window.connect.hasCallback()), false);
});

test("errors of two copies of the package have the same codes", async () => {
  const seen = await page.evaluate(async () => {
    const other = await import("/pkg2/index.js");
    await other.init();
    const thrown = (connect) => {
      try {
        connect.stateFingerprint("");
      } catch (error) {
        return error;
      }
    };
    const [mine, theirs] = [thrown(window.connect), thrown(other)];
    return {
      codes: [mine.code, theirs.code],
      own: [mine instanceof window.connect.ConnectError, theirs instanceof other.ConnectError],
      crossed: mine instanceof other.ConnectError,
      keys: Object.keys(mine),
      text: String(mine),
      stack: mine.stack.includes("createState") || mine.stack.length > 40,
    };
  });
  assert.deepEqual(seen, {
    codes: ["invalid_option", "invalid_option"],
    own: [true, true],
    crossed: false,
    keys: ["code", "field"],
    text: "ConnectError: `state` is empty; give a value",
    stack: true,
  });
});

test("the functions return the same in Node, where those of a page say that they need one", async () => {
  const node = await import(new URL("../../dist/package/node.js", import.meta.url));
  const options = { applicationId: APPLICATION, redirectUri: "https://App.example:443/x/../back", state: "s t", scope: ["a", "b"] };
  assert.equal(node.authorizeUrl(options), await value("authorizeUrl", options));
  const callback = [`${REDIRECT}?code=c&state=s1`, { state: "s1", redirectUri: REDIRECT }];
  assert.deepEqual(node.checkCallback(...callback), await value("checkCallback", ...callback));
  assert.notEqual(node.createState(), node.createState());
  const refused = { name: "ConnectError", code: "not_in_browser" };
  assert.throws(() => node.hasCallback(), refused);
  for (const name of ["start", "finish", "connections", "vehicles"]) {
    await assert.rejects(node[name](), { ...refused, message: `\`${name}\` works in a page in a browser only; call it there` });
  }
});
