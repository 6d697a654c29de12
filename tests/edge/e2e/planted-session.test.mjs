// A page of a sibling host, which may set cookies for the whole domain, wants the owner's car in a session of its own. Real
// Chromium over TLS with two hosts: no prefix of a cookie's name keeps a name out that begins with a Unicode space.
import assert from "node:assert/strict";
import { after, afterEach, test } from "node:test";

import { openBrowser } from "../harness/browser.mjs";
import { Client } from "../harness/client.mjs";
import { startEdge } from "../harness/edge.mjs";
import { closeConnections } from "../harness/http.mjs";
import { decide, goToConnect, logIn, noticeOf, settled } from "../harness/owner.mjs";
import { freePort } from "../harness/port.mjs";
import { sessionCookieAt, settings } from "../harness/settings.mjs";
import { startSimulator } from "../harness/simulator.mjs";
import { CHROMIUM_ARGUMENTS, selfSigned, serveTls } from "../harness/tls.mjs";

// All that Unicode calls white space beyond the space and the tab, which browsers take off themselves; controls below U+001F
// are refused by browsers as well.
const SPACES = [0x85, 0xa0, 0x1680, 0x2000, 0x2003, 0x2009, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000, 0xfeff, 0x0b, 0x0c];

const tls = await selfSigned();
const port = await freePort();
const home = `https://app.example.test:${port}/`;
const origin = new URL(home).origin;
const SESSION_COOKIE = sessionCookieAt(home);
const simulator = await startSimulator([home]);
const edge = await startEdge({ bindings: settings({ simulator, allowedOrigins: [origin] }), port, demo: true, tls });
/** What the page of the sibling host sends as `Set-Cookie`, and what its script does. */
let planted = { headers: [], script: "" };
const sibling = await serveTls(tls, (_request, response) => {
  for (const line of planted.headers) response.appendHeader("Set-Cookie", line);
  response.setHeader("Content-Type", "text/html; charset=utf-8");
  response.end(`<!doctype html><title>sibling</title><script>${planted.script}</script>`);
});
const browser = await openBrowser({ args: CHROMIUM_ARGUMENTS });
after(async () => {
  await browser.close();
  closeConnections();
  await Promise.all([edge.stop(), simulator.stop(), sibling.stop()]);
});
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));

async function newSession() {
  const client = new Client(edge, origin, []);
  assert.equal((await client.start({ redirectUri: home })).status, 200);
  return client;
}

/** An owner's profile that was on the sibling's page, which planted `names` with the attacker's session. */
async function lured(attacker, names) {
  const attributes = "Domain=example.test; Path=/; Secure";
  const cookies = names.map((name) => `${name}=${attacker.cookie}; ${attributes}`);
  planted = {
    // As bytes: a header of Node's is Latin-1.
    headers: cookies.map((cookie) => Buffer.from(cookie).toString("latin1")).filter((line) => !/[\0-\x08\x0a-\x1f]/.test(line)),
    script: cookies.map((cookie) => `document.cookie = ${JSON.stringify(cookie)};`).join("\n"),
  };
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  await page.goto(`https://evil.example.test:${sibling.port}/`);
  return { context, page };
}

async function connectCar(page) {
  await page.goto(home);
  await settled(page, home);
  await goToConnect(page, simulator);
  await logIn(page);
  await decide(page, "Allow");
  assert.equal(await noticeOf(page), "connected");
}

test("a session planted by a sibling host behind a Unicode space gets no car", async () => {
  const attacker = await newSession();
  const { context, page } = await lured(attacker, SPACES.map((code) => String.fromCodePoint(code) + SESSION_COOKIE));
  const kept = (await context.cookies(home)).filter(({ value }) => value === attacker.cookie);
  assert.ok(kept.length >= 5, `Chromium keeps the planted cookies: ${kept.length}`);

  await connectCar(page);
  const own = (await context.cookies(home)).filter(({ name }) => name === SESSION_COOKIE);
  assert.equal(own.length, 1, "the owner has a session of their own");
  assert.notEqual(own[0].value, attacker.cookie);
  assert.equal(await page.locator("#connections > li").count(), 1);
  assert.deepEqual(await attacker.connections(), [], "the attacker sees the owner's car");
});

test("a session planted by a sibling host under the cookie's own name is not kept, or opens nothing", async () => {
  const attacker = await newSession();
  const names = [SESSION_COOKIE, `=${SESSION_COOKIE}`, SESSION_COOKIE.toUpperCase(), ` ${SESSION_COOKIE}`];
  const { page } = await lured(attacker, names);
  await connectCar(page);
  assert.deepEqual(await attacker.connections(), [], "the attacker sees the owner's car");
});

test("of two session cookies neither opens a session", async () => {
  const [owner, attacker] = [await newSession(), await newSession()];
  for (const pair of [
    [owner, attacker],
    [attacker, owner],
  ]) {
    const cookie = pair.map((client) => `${SESSION_COOKIE}=${client.cookie}`).join("; ");
    const { code } = await simulator.grant({ redirectUri: home });
    const { state } = await owner.start({ redirectUri: home });
    const answer = await owner.finish({ code, state }, { headers: { cookie } });
    assert.equal(answer.status, 401, answer.text);
    assert.equal(answer.json().code, "session_missing");
  }
});
