// The keys of the app's log-in: when they are fetched, which count meanwhile, and what an address can answer that is none.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import http from "node:http";
import { after, test } from "node:test";

import { openEnv } from "./harness/env.mjs";
import { send } from "./harness/http.mjs";
import { instrumentedModules } from "./harness/instrumented.mjs";
import { AUDIENCE, ISSUER, newKey, secretKey, startLogIn, tokenFor } from "./harness/log-in.mjs";
import { assertProblem } from "./harness/problem.mjs";
import { PREFIX } from "./harness/settings.mjs";
import { HOUR, MINUTE, SECOND } from "./harness/spans.mjs";
import { until } from "./harness/until.mjs";

const logIn = await startLogIn();
// A Worker with keys of its own for each story: its isolate keeps them from one request to the next.
const stories = ["rotation", "flood", "together", "stale", "slow", "given-up", "huge", "broken", "poisoned"];
const env = await openEnv({
  modules: instrumentedModules(),
  variants: (values) =>
    stories.map((name) => ({
      name,
      bindings: { ...values, JWT_ISSUER: ISSUER, JWT_AUDIENCE: AUDIENCE, JWT_JWKS_URL: logIn.url(`/${name}`) },
    })),
});
after(async () => {
  await env.close();
  await logIn.close();
});

/** One of the Workers, with a clock of its own. */
function story(name) {
  const path = `/${name}`;
  let offset = 0;
  return {
    path,
    publish: (...keys) => logIn.publish(path, ...keys.map(({ jwk }) => jwk)),
    answer: (handler) => logIn.answer(path, handler),
    count: () => logIn.count(path),
    async pass(ms) {
      offset += ms;
      await send(`${env.edge.at(name)}/__test/clock?offset=${offset}`, { method: "POST" });
    },
    token: (key, options) => tokenFor(key, "42", { now: Date.now() + offset, ...options }),
    ask: (token) => env.client().get("/connections", { isolate: name, headers: { authorization: `Bearer ${token}` } }),
  };
}

const accepted = (answer) => assert.equal(answer.status, 200, answer.text);
const unknown = (answer) => assert.match(assertProblem(answer, { status: 401, code: "invalid_token" }).detail, /key that is not known/);

function unavailable(answer) {
  const { retryAfter } = assertProblem(answer, { status: 503, code: "keys_unavailable" });
  assert.equal(answer.headers["retry-after"], String(retryAfter));
  assert.equal(answer.headers["www-authenticate"], undefined);
  assert.ok(retryAfter >= 1 && retryAfter <= 30, `${retryAfter}`);
}

test("a new key counts as soon as a token names it, and an old one no longer once it is gone", async () => {
  const { ask, count, pass, publish, token } = story("rotation");
  const [first, second, third] = [newKey("ES256"), newKey("RS256"), newKey("EdDSA")];
  publish(first);
  accepted(await ask(token(first)));
  accepted(await ask(token(first)));
  assert.equal(count(), 1);
  publish(first, second);
  unknown(await ask(token(second)));
  assert.equal(count(), 1, "they were fetched a moment ago");
  await pass(31 * SECOND);
  accepted(await ask(token(second)));
  accepted(await ask(token(first)));
  assert.equal(count(), 2);
  publish(third);
  await pass(31 * SECOND);
  accepted(await ask(token(third)));
  unknown(await ask(token(first)));
  assert.equal(count(), 3);
  // A key that is taken back without another in its place: nobody names an unknown one.
  publish(newKey("ES256"));
  accepted(await ask(token(third)));
  await pass(10 * MINUTE);
  unknown(await ask(token(third)));
  assert.equal(count(), 4);
});

test("tokens that name keys at random cause one fetch in half a minute, and nobody else notices", async () => {
  const { ask, count, pass, publish, token } = story("flood");
  const key = newKey("ES256");
  publish(key);
  accepted(await ask(token(key)));
  for (let round = 2; round < 4; round += 1) {
    await pass(31 * SECOND);
    const forged = Array.from({ length: 40 }, () => ask(token(key, { header: { kid: randomUUID() } })));
    const honest = Array.from({ length: 5 }, () => ask(token(key)));
    for (const answer of await Promise.all(forged)) unknown(answer);
    for (const answer of await Promise.all(honest)) accepted(answer);
    assert.equal(count(), round);
  }
  // What is wrong with a token shows before its key is looked for.
  await pass(31 * SECOND);
  for (const claims of [{ exp: 1 }, { iss: "https://evil.example/" }, { aud: "other" }]) {
    assertProblem(await ask(token(key, { claims, header: { kid: randomUUID() } })), { status: 401 });
  }
  assert.equal(count(), 3);
});

test("requests that come together fetch once, and all of them are answered", async () => {
  const { answer, ask, count, token } = story("together");
  const key = newKey("ES256");
  answer((_, response) => {
    setTimeout(() => response.end(JSON.stringify({ keys: [key.jwk] })), 300);
  });
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask(token(key))));
  for (const one of answers) accepted(one);
  assert.equal(count(), 1);
});

test("keys go on counting for a day while their address fails, and no longer", async () => {
  const { answer, ask, count, pass, publish, token } = story("stale");
  const [key, next] = [newKey("ES256"), newKey("ES256")];
  publish(key);
  accepted(await ask(token(key)));
  answer((_, response) => response.writeHead(500).end());
  await pass(11 * MINUTE);
  accepted(await ask(token(key)));
  accepted(await ask(token(key)));
  assert.equal(count(), 2, "not asked again at once");
  // It may be a new one, which nobody can tell now.
  unavailable(await ask(token(next)));
  await pass(12 * HOUR);
  accepted(await ask(token(key)));
  await pass(12 * HOUR);
  unavailable(await ask(token(key)));
  publish(next);
  await pass(6 * SECOND);
  accepted(await ask(token(next)));
  unknown(await ask(token(key)));
});

test("an address that does not answer holds a request up for some seconds, and the next one not at all", async () => {
  const { answer, ask, count, pass, publish, token } = story("slow");
  const key = newKey("ES256");
  answer(() => {});
  const started = performance.now();
  const [first, second] = await Promise.all([ask(token(key)), ask(token(key))]);
  unavailable(first);
  unavailable(second);
  assert.ok(performance.now() - started < 20 * SECOND);
  assert.equal(count(), 1);
  // Four of the five seconds until the next attempt are over: set back, so that a slow machine is in time.
  await pass(-3 * SECOND);
  unavailable(await ask(token(key)));
  assert.equal(count(), 1);
  // The headers alone are no answer.
  answer((_, response) => response.writeHead(200).write('{"keys":['));
  await pass(6 * SECOND);
  unavailable(await ask(token(key)));
  publish(key);
  await pass(6 * SECOND);
  accepted(await ask(token(key)));
});

test("a request that fetches and is given up by its client takes nobody along", async () => {
  const { answer, ask, count, publish, token } = story("given-up");
  const key = newKey("ES256");
  answer(() => {});
  const headers = { authorization: `Bearer ${token(key)}` };
  const first = http.get(`${env.edge.at("given-up")}${PREFIX}/connections`, { headers });
  first.on("error", () => {});
  await until("the keys are asked for", () => count() === 1);
  const others = [ask(token(key)), ask(token(key))];
  publish(key);
  first.destroy();
  for (const one of await Promise.all(others)) {
    // Where the platform goes on with the fetch of the first, that ends in time.
    if (one.status !== 200) unavailable(one);
  }
  await until("the keys are there", async () => (await ask(token(key))).status === 200);
});

test("an answer without an end is not read to its end", async () => {
  const { answer, ask, token } = story("huge");
  let sent = 0;
  const closed = new Promise((resolve) => {
    answer((_, response) => {
      const more = () => {
        while (!response.destroyed && response.write(" ".repeat(16 * 1024))) sent += 16 * 1024;
      };
      response.on("drain", more).on("close", resolve);
      more();
    });
  });
  unavailable(await ask(token(newKey("ES256"))));
  await closed;
  assert.ok(sent < 64 * 1024 * 1024, `${sent} bytes`);
});

test("what is no set of keys is none, and the next fetch finds a good one", async () => {
  const { answer, ask, count, pass, publish, token } = story("broken");
  const key = newKey("ES256");
  const good = JSON.stringify({ keys: [key.jwk] });
  logIn.publish("/elsewhere", key.jwk);
  const handlers = [
    (response) => response.end("<html>log in</html>"),
    (response) => response.end(""),
    (response) => response.end("[]"),
    (response) => response.end("{}"),
    (response) => response.end('{"keys":[]}'),
    (response) => response.end(good.slice(0, -4)),
    (response) => response.end(`${good}${good}`),
    (response) => response.end(`{"keys":[],${good.slice(1)}`),
    (response) => response.end(good + " ".repeat(200 * 1024)),
    (response) => response.writeHead(404).end(good),
    (response) => response.writeHead(500).end(good),
    (response) => response.writeHead(204).end(),
    (response) => response.writeHead(302, { location: logIn.url("/elsewhere") }).end(good),
    (response) => response.writeHead(301, { location: "/elsewhere" }).end(),
    (response) => response.writeHead(200, { "content-length": "9999" }).end(good, () => response.destroy()),
    (response) => response.writeHead(200, { "content-encoding": "gzip" }).end(good),
    (response) => response.destroy(),
  ];
  for (const [index, handler] of handlers.entries()) {
    answer((_, response) => handler(response));
    unavailable(await ask(token(key)));
    assert.ok(count() > index, `handler ${index} was asked`);
    await pass(6 * SECOND);
  }
  assert.equal(logIn.count("/elsewhere"), 0, "a redirect was followed");
  publish(key);
  accepted(await ask(token(key)));
});

test("keys that do not belong in a set are left out, and the good one beside them counts", async () => {
  const { answer, ask, pass, token } = story("poisoned");
  const good = newKey("ES256", "good");
  const secret = "a-published-secret-0123456789abcdef";
  const weak = newKey("RS256", "weak", { modulusLength: 1024 });
  const encryption = newKey("RS256", "encryption");
  const own = newKey("EdDSA", "private");
  const twin = newKey("ES256", "good");
  const ofRsa = newKey("RS256", "good");
  const offCurve = { ...newKey("ES256").jwk, kid: "good", y: Buffer.alloc(32, 1).toString("base64url") };
  const set = [
    null,
    "key",
    { kty: "EC", crv: "P-256", kid: "good" },
    { kty: "oct", k: Buffer.from(secret).toString("base64url"), kid: "secret", alg: "HS256" },
    { kty: "oct", k: Buffer.from(secret).toString("base64url"), kid: "good" },
    weak.jwk,
    { ...weak.jwk, n: `AAAA${weak.jwk.n}`, kid: "padded" },
    { ...encryption.jwk, use: "enc" },
    { ...newKey("RS256").jwk, kid: "everything", e: "AQ" },
    own.privateKey.export({ format: "jwk" }),
    { ...own.privateKey.export({ format: "jwk" }), kid: "private" },
    offCurve,
    twin.jwk,
    ofRsa.jwk,
    good.jwk,
  ];
  answer((_, response) => response.end(JSON.stringify({ keys: set })));
  accepted(await ask(token(good)));
  accepted(await ask(token(twin)));
  accepted(await ask(token(ofRsa)));
  accepted(await ask(token({ ...good, kid: undefined })));
  for (const key of [weak, { ...weak, kid: "padded" }, encryption, own]) unknown(await ask(token(key)));
  const everything = { ...newKey("RS256", "everything") };
  unknown(await ask(token(everything)));
  for (const kid of ["secret", "good"]) {
    const answered = await ask(token(secretKey(secret, kid)));
    assert.match(assertProblem(answered, { status: 401, code: "invalid_token" }).detail, /algorithm/);
  }
  assertProblem(await ask(token(newKey("ES256", "good"))), { status: 401, code: "invalid_token" });
  // Poison alone is no set: what there was goes on.
  answer((_, response) => response.end(JSON.stringify({ keys: set.slice(0, 11) })));
  await pass(11 * MINUTE);
  accepted(await ask(token(good)));
  for (const key of [weak, own]) unavailable(await ask(token(key)));
});

test("what came of each fetch is logged, without the address", async () => {
  const log = await env.log();
  for (const outcome of ["fetched", "timed_out", "connection_lost", "other_status", "too_large", "unreadable"]) {
    assert.match(log, new RegExp(`"event":"keys","outcome":"${outcome}"`));
  }
  assert.ok(!log.includes("127.0.0.1") && !/panic|Critical|Reinitializing/i.test(log));
});
