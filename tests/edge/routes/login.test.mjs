// Connecting without JavaScript, over HTTP as browsers send it: who may begin, whose callback it is, and where it ends.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, beforeEach, test } from "node:test";

import { openCallers, ticketFor } from "../harness/callers.mjs";

const { env, close } = await openCallers();
const { simulator } = env;
after(close);
beforeEach(() => simulator.reset());

const corpus = JSON.parse(readFileSync(new URL("../../conformance/open_redirects.json", import.meta.url), "utf8"));
const NAVIGATION = { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };
const LINK = { ...NAVIGATION, "sec-fetch-site": "same-origin" };
const FROM_CONNECT = { ...NAVIGATION, "sec-fetch-site": "cross-site" };
const CALLBACK = `${env.page}/smartcar/connect/callback`;

/** A browser: it keeps all cookies, and sends the strict ones only where a page of the Worker's own leads. */
class Browser {
  client = env.client();
  cookies = new Map();

  async go(path, headers, { method = "GET" } = {}) {
    const isOwn = headers["sec-fetch-site"] === "same-origin";
    const cookie = isOwn ? [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ") : "";
    const answer = await this.client.request(method, path, { headers: { cookie: cookie || undefined, ...headers } });
    for (const line of answer.setCookie) {
      assert.match(line, /^__Host-[^;]+; Path=\/; HttpOnly; Secure; SameSite=Strict; Max-Age=\d+$/);
      const [pair] = line.split(";");
      const at = pair.indexOf("=");
      if (line.endsWith("Max-Age=0")) this.cookies.delete(pair.slice(0, at));
      else this.cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
    return answer;
  }

  /** Follows a link of the app's page to Connect. Returns what Connect is asked. */
  async login(query = "") {
    const answer = await this.go(`/connect/login${query}`, LINK);
    assert.equal(answer.status, 303, answer.text);
    const url = new URL(answer.headers.location);
    assert.equal(`${url.origin}${url.pathname}`, `${simulator.origin}/oauth/authorize`);
    return Object.fromEntries(url.searchParams);
  }

  /** Comes back from Connect: the first visit, and the second to which its page leads. */
  async comeBack(query) {
    const first = await this.go(`/connect/callback?${new URLSearchParams(query)}`, FROM_CONNECT);
    assert.equal(first.status, 200, first.text);
    assert.equal(outcomeOf(first), "coming_back");
    assert.deepEqual(first.setCookie, []);
    const path = /content="0;url=([^"]+)"/.exec(first.text)[1].replaceAll("&amp;", "&");
    return this.go(path.slice("/smartcar".length), LINK);
  }
}

const outcomeOf = ({ text }) => /<main class="\w+" data-outcome="(\w+)">/.exec(text)?.[1];
const granted = async () => (await simulator.grant({ redirectUri: CALLBACK })).code;
const exchanges = async () => (await simulator.tokenRequests()).length;

function assertPage(answer, status, outcome) {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.headers["content-type"], "text/html; charset=utf-8");
  assert.match(answer.headers["content-security-policy"], /^default-src 'none'; style-src 'sha256-[^']+'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/);
  assert.doesNotMatch(answer.text, /<script|javascript:|\son\w+=/i);
  assert.equal(outcomeOf(answer), outcome);
}

test("a link leads to Connect and back to the app's page, with a car", async () => {
  const browser = new Browser();
  const asked = await browser.login("?return_to=%2Fcars%3Ftab%3D2&scope=required:read_vehicle_info+read_odometer&mode=simulated&make=TESLA&single_select=true");
  assert.equal(asked.redirect_uri, CALLBACK);
  assert.match(asked.state, /^smartcar-connect-login\.[\w-]{43}$/);
  assert.ok(asked.external_id);
  assert.equal(asked.response_type, "code");
  assert.equal(asked.scope, "required:read_vehicle_info read_odometer");
  assert.deepEqual([asked.mode, asked.make, asked.single_select], ["simulated", "TESLA", "true"]);
  const back = await browser.comeBack({ code: await granted(), state: asked.state });
  assert.equal(back.status, 303, back.text);
  assert.equal(back.headers.location, "/cars?tab=2&smartcar=connected");
  const { connections } = (await browser.go("/connections", LINK)).json();
  assert.equal(connections.length, 1);
  assert.equal(connections[0].status, "active");
});

test("a callback that comes again ends as it did, and is exchanged once", async () => {
  const browser = new Browser();
  const { state } = await browser.login("?return_to=/cars");
  const query = { code: await granted(), state };
  for (let count = 0; count < 3; count += 1) {
    assert.equal((await browser.comeBack(query)).headers.location, "/cars?smartcar=connected");
  }
  assert.equal(await exchanges(), 1);
  assertPage(await browser.comeBack({ code: "another", state }), 409, "state_used");
  assert.equal(await exchanges(), 1);
});

test("without return_to a page says what came of it", async () => {
  const browser = new Browser();
  const { state } = await browser.login();
  assertPage(await browser.comeBack({ code: await granted(), state }), 200, "connected");
});

test("what Connect reports is told by its name, and nothing of its text", async () => {
  for (const [error, extra, outcome] of [
    ["access_denied", {}, "access_denied"],
    ["vehicle_incompatible", { vin: "5YJ3E1EA7KF317000", make: "TESLA" }, "vehicle_incompatible"],
    ["evil&smartcar=connected", {}, "unknown_error"],
  ]) {
    const browser = new Browser();
    const { state } = await browser.login("?return_to=/cars");
    const query = { error, error_description: "<script>alert(1)</script>", state, ...extra };
    assert.equal((await browser.comeBack(query)).headers.location, `/cars?smartcar=${outcome}`);
    const other = await browser.login();
    assertPage(await browser.comeBack({ ...query, state: other.state }), 200, outcome);
  }
  assert.equal(await exchanges(), 0);
});

test("a code that Smartcar refuses is told as failed", async () => {
  const browser = new Browser();
  const { state } = await browser.login("?return_to=/cars");
  assert.equal((await browser.comeBack({ code: "no-code-of-ours", state })).headers.location, "/cars?smartcar=failed");
  const other = await browser.login();
  assertPage(await browser.comeBack({ code: "no-code-of-ours", state: other.state }), 502, "exchange_refused");
});

test("a stolen callback is nobody else's", async () => {
  const [owner, thief, stranger] = [new Browser(), new Browser(), new Browser()];
  const { state } = await owner.login("?return_to=/cars");
  await thief.login("?return_to=/cars");
  const query = { code: await granted(), state };
  assertPage(await thief.comeBack(query), 403, "state_unknown");
  assertPage(await stranger.comeBack(query), 401, "session_missing");
  // From another site, no cookie comes with the second visit either.
  assertPage(await owner.go(`/connect/callback?${new URLSearchParams(query)}&visit=2`, FROM_CONNECT), 401, "session_missing");
  assert.equal(await exchanges(), 0);
  assert.equal((await owner.comeBack(query)).headers.location, "/cars?smartcar=connected");
});

test("a forged callback is refused: no state, a foreign one, a page's one, and one parameter twice", async () => {
  const browser = new Browser();
  const { state } = await browser.login("?return_to=/cars");
  assertPage(await browser.comeBack({ code: "c" }), 400, "state_missing");
  assertPage(await browser.comeBack({ code: "c", state: `${state}x` }), 403, "state_unknown");
  assertPage(await browser.go(`/connect/callback?code=a&code=b&state=${state}&visit=2`, LINK), 400, "callback_repeated_parameter");
  assertPage(await browser.go(`/connect/callback?code=${"c".repeat(9000)}`, FROM_CONNECT), 400, "callback_too_long");
  // The attempt of a page is finished where the page is.
  browser.client.cookie = browser.cookies.get(browser.client.cookieName);
  const started = await browser.client.start();
  assert.equal(started.status, 200, started.text);
  assertPage(await browser.comeBack({ code: "c", state: started.state }), 400, "callback_other_redirect_uri");
  assert.equal(await exchanges(), 0);
});

test("who signed in meanwhile has not begun it, and whose session ended begins again", async () => {
  const browser = new Browser();
  const { state } = await browser.login("?return_to=/cars");
  const query = { code: await granted(), state };
  const { client } = browser;
  client.cookie = browser.cookies.get(client.cookieName);
  const opened = await client.post("/session", { ticket: await ticketFor(env, "someone-who-signs-in") });
  assert.equal(opened.status, 200, opened.text);
  const anonymous = browser.cookies.get(client.cookieName);
  browser.cookies.set(client.cookieName, client.cookie);
  const refused = await browser.comeBack(query);
  assertPage(refused, 403, "state_unknown");
  assert.match(refused.text, /href="\/smartcar\/connect\/login\?return_to=%2Fcars">Connect again/);
  browser.cookies.delete(client.cookieName);
  assertPage(await browser.comeBack(query), 401, "session_missing");
  assert.equal(await exchanges(), 0);
  assert.ok(anonymous);
});

test("several attempts in tabs end each where it was to end, and the oldest lose only that", async () => {
  const browser = new Browser();
  const asked = [];
  for (let tab = 0; tab < 6; tab += 1) asked.push(await browser.login(`?return_to=/tab/${tab}`));
  assert.equal([...browser.cookies.keys()].filter((name) => name.includes("-to-")).length, 4);
  for (const tab of [5, 2, 3, 4]) {
    const back = await browser.comeBack({ error: "access_denied", state: asked[tab].state });
    assert.equal(back.headers.location, `/tab/${tab}?smartcar=access_denied`);
  }
  assertPage(await browser.comeBack({ error: "access_denied", state: asked[0].state }), 200, "access_denied");
});

test("a planted cookie leads to no other site", async () => {
  const browser = new Browser();
  const { state } = await browser.login("?return_to=/cars");
  const [name] = [...browser.cookies.keys()].filter((one) => one.includes("-to-"));
  for (const value of ["https://evil.example/", "//evil.example", "/\\evil.example"]) {
    browser.cookies.set(name, Buffer.from(value).toString("base64url"));
    assertPage(await browser.comeBack({ error: "access_denied", state }), 200, "access_denied");
  }
});

test("nothing of the corpus of open redirects is taken, and nothing begins", async () => {
  const browser = new Browser();
  for (const value of corpus.refused) {
    const answer = await browser.go(`/connect/login?return_to=${encodeURIComponent(value)}`, LINK);
    assertPage(answer, 400, "invalid_parameter");
    assert.equal(answer.headers.location, undefined, value);
  }
  assert.equal(browser.cookies.size, 0);
  assert.ok(corpus.refused.length >= 60);
});

test("what is taken leads to the app, in the answer too", async () => {
  for (const value of corpus.taken.filter((one) => one.startsWith("/"))) {
    const browser = new Browser();
    const { state } = await browser.login(`?return_to=${encodeURIComponent(value)}`);
    const back = await browser.comeBack({ error: "access_denied", state });
    assert.equal(new URL(back.headers.location, CALLBACK).origin, env.page, value);
  }
});

test("another site, a picture, a frame and a page that is loaded ahead begin nothing", async () => {
  const refusals = [
    { ...LINK, "sec-fetch-site": "cross-site" },
    { ...LINK, "sec-fetch-site": "same-site" },
    { ...LINK, "sec-fetch-site": "none" },
    { ...LINK, "sec-fetch-dest": "iframe" },
    { ...LINK, "sec-fetch-dest": "image", "sec-fetch-mode": "no-cors" },
    { ...LINK, "sec-purpose": "prefetch;prerender" },
    { "sec-fetch-site": "same-origin" },
    {},
  ];
  for (const headers of refusals) {
    const answer = await new Browser().go("/connect/login", headers);
    assertPage(answer, 403, "origin_not_allowed");
    assert.deepEqual(answer.setCookie, []);
  }
  for (const headers of [{ origin: "https://evil.example" }, { origin: "null", "sec-fetch-site": "cross-site" }, {}]) {
    assertPage(await new Browser().go("/connect/login", headers, { method: "POST" }), 403, "origin_not_allowed");
  }
});

test("a form begins it too, also in a browser that says nothing of its navigations", async () => {
  const answer = await new Browser().go("/connect/login?return_to=/cars", { origin: env.page }, { method: "POST" });
  assert.equal(answer.status, 303, answer.text);
  // It has no fields: what it asks for stands in its address.
  const client = env.client();
  const headers = { origin: env.page, "content-type": "application/x-www-form-urlencoded" };
  assertPage(await client.request("POST", "/connect/login", { headers, body: "return_to=%2Fcars" }), 415, "unsupported_media_type");
  assert.equal((await client.request("POST", "/connect/login", { headers, body: "" })).status, 303);
});

test("what was asked in the query is not repeated as markup", async () => {
  const answer = await new Browser().go("/connect/login?%3Cscript%3Ealert(1)%3C/script%3E=1", LINK);
  assertPage(answer, 400, "invalid_parameter");
  assert.match(answer.text, /u\{3c\}script/);
});
