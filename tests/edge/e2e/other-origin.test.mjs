// Pages of other hosts of one site, in real Chromium over TLS. The owner's cookie travels from each of them; only the page that
// is allowed gets anything by it.
import assert from "node:assert/strict";
import { after, afterEach, test } from "node:test";

import { openBrowser } from "../harness/browser.mjs";
import { Client } from "../harness/client.mjs";
import { startEdge } from "../harness/edge.mjs";
import { closeConnections } from "../harness/http.mjs";
import { freePort } from "../harness/port.mjs";
import { PREFIX, settings } from "../harness/settings.mjs";
import { startSimulator } from "../harness/simulator.mjs";
import { CHROMIUM_ARGUMENTS, selfSigned, serveTls } from "../harness/tls.mjs";
import { until } from "../harness/until.mjs";

const tls = await selfSigned();
const port = await freePort();
const origin = `https://app.example.test:${port}`;
const pages = await serveTls(tls, (_request, response) => {
  response.setHeader("Content-Type", "text/html; charset=utf-8");
  response.end("<!doctype html><title>a page</title>");
});
const [friend, stranger] = ["www", "evil"].map((host) => `https://${host}.example.test:${pages.port}`);
const simulator = await startSimulator([`${origin}/`]);
const bindings = settings({ simulator, allowedOrigins: [origin, friend] });
const edge = await startEdge({ bindings, port, tls });
const browser = await openBrowser({ args: CHROMIUM_ARGUMENTS });
after(async () => {
  await browser.close();
  closeConnections();
  await Promise.all([edge.stop(), simulator.stop(), pages.stop()]);
});
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));

const owner = new Client(edge, origin, []);
const connection = await owner.connected(simulator);

/** The owner's browser on a page of `host`. */
async function visit(host) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const attributes = { httpOnly: true, secure: true, sameSite: "Strict" };
  await context.addCookies([{ name: owner.cookieName, value: owner.cookie, url: `${origin}/`, ...attributes }]);
  const page = await context.newPage();
  await page.goto(`${host}/`);
  return page;
}

const carsAsked = async () => (await simulator.requests()).filter(({ path }) => path.startsWith("/v2.0/vehicles/")).length;
const failures = (outcome) => edge.log().split(`"outcome":"${outcome}"`).length - 1;

test("a page of an allowed origin reads, whatever its monitoring adds to the request", async () => {
  const page = await visit(friend);
  const answers = await page.evaluate(async (base) => {
    const tracing = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", tracestate: "a=b", baggage: "a=b", "sentry-trace": "x" };
    const headers = { "x-requested-with": "smartcar-connect", ...tracing };
    const read = async (path) => (await fetch(`${base}${path}`, { credentials: "include", headers })).json();
    return [await read("/connections"), await read("/vehicles")];
  }, `${origin}${PREFIX}`);
  assert.equal(answers[0].connections[0].id, connection.id);
  assert.ok(answers[1].vehicles.length > 0);
});

test("a page of a sibling host makes the browser send the cookie, and Smartcar is not asked", async () => {
  const page = await visit(stranger);
  const before = await carsAsked();
  const outcomes = await page.evaluate(async (url) => {
    const attempt = (init) => fetch(url, { credentials: "include", ...init }).then(({ type }) => type, () => "failed");
    const image = new Image();
    const shown = new Promise((resolve) => {
      image.onload = () => resolve("shown");
      image.onerror = () => resolve("failed");
    });
    image.src = url;
    const header = { "x-requested-with": "smartcar-connect" };
    return [await attempt({ mode: "no-cors" }), await attempt({}), await attempt({ headers: header }), await shown];
  }, `${origin}${PREFIX}/vehicles`);
  assert.deepEqual(outcomes, ["failed", "failed", "failed", "failed"]);
  // The one with our header never leaves the browser: its preflight is not granted.
  await until("the requests are in the log", () => failures("list_vehicles 403") === 3);
  assert.equal(await carsAsked(), before);
});

test("no page can frame an answer", async () => {
  const page = await visit(friend);
  const complaint = page.waitForEvent("console", { predicate: (message) => /frame-ancestors/.test(message.text()) });
  await page.evaluate((url) => {
    const frame = document.createElement("iframe");
    frame.src = url;
    document.body.append(frame);
  }, `${origin}${PREFIX}/healthz`);
  await complaint;
});
