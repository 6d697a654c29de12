// A signed-in visitor of real Chromium is on a page elsewhere, of another site or of a sibling host, that sends the Worker
// everything that a page can: nothing happens, and nothing can be read.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, afterEach, test } from "node:test";

import { SCOPES } from "../harness/api.mjs";
import { openProfile } from "../harness/browser.mjs";
import { openCallers, ticketFor } from "../harness/callers.mjs";
import { mintState } from "../harness/client.mjs";
import { send } from "../harness/http.mjs";
import { operations } from "../harness/operations.mjs";
import { PREFIX } from "../harness/settings.mjs";
import { selfSigned, serveTls } from "../harness/tls.mjs";
import { until } from "../harness/until.mjs";

const SIEGE = readFileSync(new URL("../harness/siege.js", import.meta.url), "utf8");
const HOP_BY_HOP = new Set(["connection", "keep-alive", "transfer-encoding", "content-length"]);
const kept = (headers) => Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name)));

const tls = await selfSigned();
/** What reached the Worker. */
let seen = [];
/** What stands in front of the Worker and writes down what comes. A page of the app is there too. */
const front = await serveTls(tls, async (request, response) => {
  const body = Buffer.concat(await request.toArray());
  if (!request.url.startsWith(PREFIX)) {
    response.setHeader("content-type", "text/html");
    response.end("<!doctype html><title>the app</title>");
    return;
  }
  const { method, url, headers } = request;
  const answer = await send(`${env.edge.at(0)}${url}`, { method, headers: kept(headers), body: body.length > 0 ? body : undefined });
  seen.push({ method, url, headers, status: answer.status, setCookie: answer.setCookie });
  response.writeHead(answer.status, kept(answer.headers));
  response.end(answer.text);
});
const { env, kinds, close } = await openCallers({ origin: () => `https://app.example.test:${front.port}` });
/** What the page elsewhere sends as `Set-Cookie`. */
let planted = [];
const elsewhere = await serveTls(tls, (_request, response) => {
  for (const line of planted) response.appendHeader("set-cookie", line);
  response.setHeader("content-type", "text/html; charset=utf-8");
  response.end(`<!doctype html><title>elsewhere</title><body><script>${SIEGE}</script>`);
});
const PLACES = { "another site": `https://evil.test:${elsewhere.port}/`, "a sibling host": `https://evil.example.test:${elsewhere.port}/` };
const args = ["--host-resolver-rules=MAP *.test 127.0.0.1", "--ignore-certificate-errors"];
const profiles = [];
after(async () => {
  await close();
  await Promise.all([front.stop(), elsewhere.stop()]);
});
afterEach(() => Promise.all(profiles.splice(0).map((profile) => profile.close())));

const signedIn = kinds.filter(({ ambient, owns }) => ambient && owns);
let count = 0;

/** Somebody of this kind with a car, and the browser in which they are signed in. */
async function visitor(kind) {
  count += 1;
  const client = await kind.caller(`visitor-${count}`);
  const connection = await env.connected(client, { user: `visitor-${count}@example.com`, scopes: SCOPES });
  const profile = await openProfile({ args });
  profiles.push(profile);
  const { context } = profile;
  const cookies = kind.cookies(client).map((cookie) => ({ ...cookie, url: `${env.page}/`, secure: true, httpOnly: true }));
  await context.addCookies(cookies);
  return { client, connection, context, cookies };
}

/** What of the API that is passed on is asked for: a read, a batch and commands of every method, in both versions. */
const PASSED_ON = new Set([
  ...["/odometer", "/location", "/batch", "/security", "/ford/charge/schedule_by_location", "/tesla/pin"],
  ...["/signals", "/commands/security/unlock", "/charge-schedules/{scheduleId}"],
]);

async function targetsOf({ client, connection }) {
  const { fingerprint } = await client.start();
  const values = { vehicleId: connection.vehicles[0].id, scheduleId: "sched_1", fingerprint, id: connection.id };
  const bodies = {
    "POST /connect/start": { stateFingerprint: mintState().fingerprint, redirectUri: env.redirectUri },
    "POST /session": { ticket: await ticketFor(env, "an-attacker") },
  };
  const wanted = ({ template, isPassedOn }) => !isPassedOn || PASSED_ON.has(template.replace(/^.*\{vehicleId\}/, ""));
  return operations()
    .filter(wanted)
    .map(({ name, method, template, isPassedOn }) => ({
      method,
      url: `${env.page}${PREFIX}${template.replace(/\{(\w+)\}/g, (_, parameter) => values[parameter])}`,
      body: JSON.stringify(bodies[name] ?? { action: "UNLOCK" }),
      plain: isPassedOn || name === "DELETE /session",
    }));
}

const everything = async () => ({
  smartcar: (await env.simulator.requests()).length,
  vaults: (await env.edge.vaultIds()).length,
});

for (const [place, address] of Object.entries(PLACES)) {
  // From another site the cookie of a session does not travel, whosever it is: one of the two is enough.
  for (const kind of signedIn.filter(({ name }) => place === "a sibling host" || name !== "an anonymous session")) {
    test(`a page of ${place} causes nothing and reads nothing where the visitor has ${kind.name}`, async () => {
      const it = await visitor(kind);
      const targets = await targetsOf(it);
      const connections = await it.client.connections();
      const before = await everything();
      const page = await it.context.newPage();
      await page.goto(address);
      seen = [];
      assert.deepEqual(await page.evaluate((all) => window.besiege(all), targets), []);

      const ways = await page.evaluate(() => Object.fromEntries(["GET", "POST", "DELETE", "PUT"].map((one) => [one, window.waysOf(one)])));
      for (const { method, url } of targets.filter(({ method, plain }) => !plain && ["GET", "POST"].includes(method))) {
        // A form that is sent by GET has its own query.
        for (const way of ways[method].filter((way) => method === "POST" || !way.startsWith("a form"))) {
          const address = new URL(`${url}?by=${encodeURIComponent(way)}`);
          const arrived = (one) => one.url === address.pathname + address.search;
          await until(`${method} ${url} by ${way} has arrived`, () => seen.some(arrived));
        }
      }
      assert.deepEqual(await page.evaluate(() => window.seen()), []);
      await Promise.all(it.context.pages().filter((other) => other !== page).map((other) => other.close()));
      // Nothing goes on there, and the browser with its last page would be gone.
      await page.goto("about:blank");

      // The first visit of a callback is the same page for everybody, and the second is caused by that page.
      const isPublic = ({ url }) => /\/(healthz|openapi\.json|connect\/callback)(\?|$)/.test(url);
      const isSecondVisit = ({ url }) => /\/connect\/callback\?visit=2$/.test(url);
      for (const { url, status } of seen.filter(isSecondVisit)) assert.ok(status >= 400 && status < 500, `${url}: ${status}`);
      const caused = seen.filter((one) => !isSecondVisit(one));
      const withCookie = caused.filter(({ headers }) => it.cookies.some(({ name, value }) => headers.cookie?.includes(`${name}=${value}`)));
      const arrives = place === "a sibling host" || it.cookies[0].sameSite === "None";
      if (arrives) assert.ok(withCookie.length > 100, `${withCookie.length} of ${seen.length} with the cookie`);
      else assert.equal(withCookie.length, 0);
      for (const one of withCookie.filter((one) => !isPublic(one))) {
        assert.ok(one.status >= 400 && one.status < 500, `${one.method} ${one.url}: ${one.status}`);
      }
      for (const { method, url, headers, status, setCookie } of seen) {
        assert.deepEqual(setCookie, [], `${method} ${url}`);
        assert.equal(headers["x-requested-with"], undefined, `${method} ${url}`);
        if (method !== "GET" && method !== "OPTIONS") assert.ok(status >= 400 && status < 500, `${method} ${url}: ${status}`);
      }

      assert.deepEqual(await everything(), before);
      const held = await it.context.cookies(env.page);
      assert.deepEqual(held.map(({ name, value }) => [name, value]), it.cookies.map(({ name, value }) => [name, value]));
      assert.deepEqual(await it.client.connections(), connections);
    });
  }
}

for (const kind of signedIn) {
  test(`a sibling host's page plants its own cookie on a visitor with ${kind.name}: the attacker gets no car, and shows none`, async () => {
    const attacker = await kind.caller(`attacker-${signedIn.indexOf(kind)}`);
    const theirs = await env.connected(attacker, { user: "attacker@example.com" });
    const it = await visitor(kind);
    for (const path of ["/", PREFIX, `${PREFIX}/connections`, `${PREFIX}/connect`]) {
      planted = kind
        .cookies(attacker)
        .flatMap(({ name, value }) => [name, `\u00a0${name}`].map((one) => `${one}=${value}; Domain=example.test; Path=${path}; Secure`))
        .map((line) => Buffer.from(line).toString("latin1"));
      const page = await it.context.newPage();
      await page.goto(PLACES["a sibling host"]);
      await page.goto(`${env.page}/`);
      const { state, fingerprint } = mintState();
      const callback = `?code=${await env.consent({ user: "visitor@example.com" })}&state=${state}`;
      const [listed, started, finished] = await page.evaluate(
        async ({ base, fingerprint, redirectUri, callback }) => {
          const headers = { "x-requested-with": "smartcar-connect", "content-type": "application/json" };
          const ask = async (path, body) => {
            const init = body ? { method: "POST", headers, body: JSON.stringify(body) } : { headers };
            const answer = await fetch(`${base}${path}`, init);
            return { status: answer.status, json: await answer.json() };
          };
          return [
            await ask("/connections"),
            await ask("/connect/start", { stateFingerprint: fingerprint, redirectUri }),
            await ask("/connect/finish", { callback }),
          ];
        },
        { base: PREFIX, fingerprint, redirectUri: env.redirectUri, callback },
      );
      // Either the visitor is still who they are, or nobody at all.
      const ids = (listed.json.connections ?? []).map(({ id }) => id);
      assert.ok(!ids.includes(theirs.id), "the visitor is shown the attacker's car");
      if (listed.status !== 200) assert.deepEqual([listed.status, listed.json.code], [401, "invalid_token"]);
      assert.ok([200, 401].includes(started.status), JSON.stringify(started));
      assert.ok([200, 401].includes(finished.status), JSON.stringify(finished));
      await page.close();
      planted = [];
    }
    assert.deepEqual(await attacker.connectionIds(), [theirs.id]);
  });
}
