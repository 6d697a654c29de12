// A page of another host of one site that is allowed, in real Chromium over TLS. What others get is in `foreign-pages.test.mjs`.
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

const tls = await selfSigned();
const port = await freePort();
const origin = `https://app.example.test:${port}`;
const pages = await serveTls(tls, (_request, response) => {
  response.setHeader("Content-Type", "text/html; charset=utf-8");
  response.end("<!doctype html><title>a page</title>");
});
const friend = `https://www.example.test:${pages.port}`;
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
