// Each way in which a token can be wrong: it is refused with the reason, and no other credential counts in its place.
import assert from "node:assert/strict";
import { sign } from "node:crypto";
import { after, test } from "node:test";

import { openEnv } from "./harness/env.mjs";
import {
  AUDIENCE,
  ISSUER,
  claimsOf,
  compact,
  newKey,
  secretKey,
  startLogIn,
  tokenFor,
} from "./harness/log-in.mjs";
import { assertProblem } from "./harness/problem.mjs";

const SECRET = "a-secret-of-the-log-in-0123456789";
const keys = { RS256: newKey("RS256", "rsa"), ES256: newKey("ES256", "ec"), EdDSA: newKey("EdDSA", "ed") };
const logIn = await startLogIn();
logIn.publish("/keys", ...Object.values(keys).map(({ jwk }) => jwk));
const base = { JWT_ISSUER: ISSUER, JWT_AUDIENCE: AUDIENCE };
const env = await openEnv({
  adjust: (values) => ({ ...values, ...base, JWT_JWKS_URL: logIn.url("/keys") }),
  variants: ({ JWT_JWKS_URL: _unused, ...values }) => [
    { name: "inline", bindings: { ...values, JWT_KEYS: JSON.stringify({ keys: [keys.ES256.jwk] }, null, 2) } },
    { name: "secret", bindings: { ...values, JWT_SECRET: SECRET } },
    { name: "only-rsa", bindings: { ...values, JWT_JWKS_URL: logIn.url("/keys"), JWT_ALGORITHMS: "RS256" } },
    { name: "access-tokens", bindings: { ...values, JWT_JWKS_URL: logIn.url("/keys"), JWT_TYP: "at+jwt" } },
  ],
});
after(async () => {
  await env.close();
  await logIn.close();
});

// Whoever shows a bad token has a good session, with a car.
const visitor = env.client();
const { id } = await env.connected(visitor);

const ask = (token, { isolate = 0, client = env.client(), path = "/connections" } = {}) =>
  client.get(path, { isolate, headers: { authorization: `Bearer ${token}` } });

async function accepted(token, isolate) {
  const answer = await ask(token, { isolate });
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(answer.json(), { connections: [] });
}

async function refused(token, reason, isolate) {
  const answer = await ask(token, { client: visitor, isolate });
  const { detail } = assertProblem(answer, { status: 401, code: "invalid_token" });
  assert.match(detail, reason);
  const challenge = `Bearer realm="smartcar-connect", error="invalid_token", error_description="${detail}"`;
  assert.equal(answer.headers["www-authenticate"], challenge);
  assert.deepEqual(answer.setCookie, []);
  for (const part of token.split(".").filter((part) => part.length > 8)) assert.ok(!answer.text.includes(part));
}

test("a good token of each algorithm is accepted", async () => {
  for (const key of Object.values(keys)) await accepted(tokenFor(key, "42"));
  await accepted(tokenFor(keys.ES256, "42"), "inline");
  await accepted(tokenFor(secretKey(SECRET), "42"), "secret");
  await accepted(tokenFor(keys.RS256, "42"), "only-rsa");
  await accepted(tokenFor(keys.EdDSA, "42", { header: { typ: "at+JWT" } }), "access-tokens");
});

test("what may differ may", async () => {
  const seconds = Math.floor(Date.now() / 1000);
  for (const key of Object.values(keys)) {
    await accepted(tokenFor(key, "42", { header: { typ: undefined, kid: undefined } }));
    await accepted(tokenFor(key, "42", { claims: { aud: ["https://other.example", AUDIENCE] } }));
    await accepted(tokenFor(key, "42", { claims: { exp: seconds - 30, nbf: seconds + 30 } }));
    await accepted(tokenFor(key, "42", { header: { jku: "https://evil.example/keys" }, claims: { more: { than: ["is", "read"] } } }));
  }
});

const { ES256: ec, RS256: rsa, EdDSA: ed } = keys;
const now = Math.floor(Date.now() / 1000);
const good = tokenFor(ec, "42");
const [head, body, tail] = good.split(".");
const ecHeader = { alg: "ES256", kid: "ec" };
const withHeader = (header) => tokenFor(ec, "42", { header });
const withClaims = (claims) => tokenFor(ec, "42", { claims });
const another = newKey("ES256", "ec");
const weak = newKey("RS256", "rsa", { modulusLength: 1024 });
const pem = (key) => key.publicKey.export({ type: "spki", format: "pem" });

/** As [what, token, reason]. */
const invalid = [
  ["nothing at all", "", /not a signed JWT/],
  ["a word", "token", /not a signed JWT/],
  ["two parts", `${head}.${body}`, /not a signed JWT/],
  ["no signature", `${head}.${body}.`, /signature/],
  ["four parts", `${good}.${tail}`, /not a signed JWT/],
  ["five parts, as an encrypted one has", `${head}.${tail}.${tail}.${body}.${tail}`, /not a signed JWT/],
  ["a signature that is cut", good.slice(0, -2), /signature/],
  ["claims that are cut", `${head}.${body.slice(0, -4)}.${tail}`, /./],
  ["padding", `${good}==`, /not a signed JWT/],
  ["base64 that is not base64url", `${head}.${body}.+/${tail.slice(2)}`, /not a signed JWT/],
  ["a space in it", `${head}. ${body}.${tail}`, /not a signed JWT/],
  ["another token's signature", `${head}.${body}.${tokenFor(ec, "43").split(".")[2]}`, /signature/],
  ["another token's claims", `${head}.${tokenFor(ec, "43").split(".")[1]}.${tail}`, /signature/],
  ["more than 8 KiB", withClaims({ padding: "x".repeat(8192) }), /longer than 8 KiB/],
  ["algorithm none", compact(ec, { alg: "none", kid: "ec" }, claimsOf("42"), ""), /algorithm/],
  ["algorithm None", compact(ec, { alg: "None", kid: "ec" }, claimsOf("42"), ""), /algorithm/],
  ["algorithm none, signed", withHeader({ alg: "none" }), /algorithm/],
  ["no algorithm", compact(ec, { kid: "ec" }, claimsOf("42")), /header/],
  ["an algorithm that is a list", withHeader({ alg: ["ES256"] }), /header/],
  ["an algorithm in small letters", withHeader({ alg: "es256" }), /algorithm/],
  ["an algorithm that is not supported", withHeader({ alg: "ES512" }), /algorithm/],
  ["PS256, by the key of RS256", compact(rsa, { alg: "PS256", kid: "rsa" }, claimsOf("42")), /algorithm/],
  ["the algorithm of another key", withHeader({ alg: "RS256", kid: "rsa" }), /signature/],
  ["the name of another algorithm's key", withHeader({ kid: "rsa" }), /key that is not known/],
  ["HS256 by the public key as PEM", tokenFor(secretKey(pem(rsa), "rsa"), "42"), /algorithm/],
  ["HS256 by the public key as JWK", tokenFor(secretKey(JSON.stringify(rsa.jwk), "rsa"), "42"), /algorithm/],
  ["HS256 by the modulus", tokenFor(secretKey(Buffer.from(rsa.jwk.n, "base64url"), "rsa"), "42"), /algorithm/],
  ["HS256 by nothing", tokenFor(secretKey("", undefined), "42"), /algorithm/],
  ["a key that is not known", withHeader({ kid: "unknown" }), /key that is not known/],
  ["an empty key id", withHeader({ kid: "" }), /key that is not known/],
  ["a key id that is a path", withHeader({ kid: "../../dev/null" }), /key that is not known/],
  ["a key id that is a number", withHeader({ kid: 1 }), /header/],
  ["another key of the same name", tokenFor(another, "42"), /signature/],
  ["another key, unnamed", tokenFor({ ...another, kid: undefined }, "42"), /signature/],
  ["another key, brought along", tokenFor(another, "42", { header: { jwk: another.jwk } }), /signature/],
  ["another key, brought along, unnamed", tokenFor({ ...another, kid: undefined }, "42", { header: { jwk: another.jwk } }), /signature/],
  ["another key at an address", tokenFor(another, "42", { header: { jku: logIn.url("/evil"), x5u: logIn.url("/evil") } }), /signature/],
  ["another key as a certificate", tokenFor(another, "42", { header: { x5c: ["MIIB"] } }), /signature/],
  ["a weak key of the same name", tokenFor(weak, "42"), /signature/],
  ["a signature of zeros", compact(ec, ecHeader, claimsOf("42"), Buffer.alloc(64)), /signature/],
  ["a signature of RSA of zeros", compact(rsa, { alg: "RS256", kid: "rsa" }, claimsOf("42"), Buffer.alloc(256)), /signature/],
  ["a signature of Ed25519 of zeros", compact(ed, { alg: "EdDSA", kid: "ed" }, claimsOf("42"), Buffer.alloc(64)), /signature/],
  ["a signature longer by a byte", `${head}.${body}.${Buffer.concat([Buffer.from(tail, "base64url"), Buffer.alloc(1)]).toString("base64url")}`, /signature/],
  ["a signature in the form of ASN.1", `${head}.${body}.${sign("sha256", Buffer.from(`${head}.${body}`), ec.privateKey).toString("base64url")}`, /signature/],
  ["crit", withHeader({ crit: ["exp"] }), /crit/],
  ["crit with b64", withHeader({ b64: false, crit: ["b64"] }), /crit/],
  ["the type of a proof", withHeader({ typ: "dpop+jwt" }), /typ/],
  ["the type of a log-out", withHeader({ typ: "logout+jwt" }), /typ/],
  ["a type that is a list", withHeader({ typ: ["JWT"] }), /header/],
  ["a member of the header twice", compact(ec, '{"alg":"ES256","kid":"ec","alg":"ES256"}', claimsOf("42")), /header/],
  ["a header that is a list", compact(ec, "[]", claimsOf("42")), /header/],
  ["a header that is no JSON", compact(ec, "alg=ES256", claimsOf("42")), /header/],
  ["claims that are a list", compact(ec, ecHeader, "[]"), /claims/],
  ["claims that are no JSON", compact(ec, ecHeader, "sub=42"), /claims/],
  ["claims after the claims", compact(ec, ecHeader, `${JSON.stringify(claimsOf("42"))}{"sub":"43"}`), /claims/],
  ["a subject twice", compact(ec, ecHeader, JSON.stringify(claimsOf("42")).replace("{", '{"sub":"43",')), /claims/],
  ["a subject twice, written in two ways", compact(ec, ecHeader, JSON.stringify(claimsOf("42")).replace("{", '{"\\u0073ub":"43",')), /claims/],
  ["an end twice", compact(ec, ecHeader, JSON.stringify(claimsOf("42")).replace("{", '{"exp":9999999999,')), /claims/],
  ["another issuer", withClaims({ iss: "https://evil.example/" }), /iss/],
  ["the issuer without its slash", withClaims({ iss: ISSUER.slice(0, -1) }), /iss/],
  ["no issuer", withClaims({ iss: undefined }), /iss/],
  ["issuers", withClaims({ iss: [ISSUER] }), /claims/],
  ["another audience", withClaims({ aud: "https://other.example" }), /aud/],
  ["an audience that begins as ours", withClaims({ aud: `${AUDIENCE}.evil.example` }), /aud/],
  ["no audience", withClaims({ aud: undefined }), /aud/],
  ["an empty list of audiences", withClaims({ aud: [] }), /aud/],
  ["an audience that is an object", withClaims({ aud: { [AUDIENCE]: 1 } }), /claims/],
  ["an end that is over", withClaims({ exp: now - 120 }), /expired/],
  ["no end", withClaims({ exp: undefined }), /expired/],
  ["an end before the epoch", withClaims({ exp: -1 }), /expired/],
  ["an end that is text", withClaims({ exp: `${now + 300}` }), /claims/],
  ["an end that is null", withClaims({ exp: null }), /claims/],
  ["an end that no number is", compact(ec, ecHeader, JSON.stringify(claimsOf("42")).replace(/"exp":\d+/, '"exp":1e999')), /claims/],
  ["a start in the future", withClaims({ nbf: now + 300 }), /not valid yet/],
  ["a start that is text", withClaims({ nbf: "now" }), /claims/],
  ["no subject", withClaims({ sub: undefined }), /sub/],
  ["an empty subject", withClaims({ sub: "" }), /sub/],
  ["a subject that is a number", withClaims({ sub: 42 }), /claims/],
  ["a subject with a line feed", withClaims({ sub: "42\n43" }), /sub/],
  ["a subject of 508 characters", withClaims({ sub: "4".repeat(508) }), /sub/],
];

for (const [what, token, reason] of invalid) {
  test(`a token with ${what} is refused, and the session does not count in its place`, () => refused(token, reason));
}

test("there are many kinds", () => assert.ok(invalid.length >= 60, `${invalid.length}`));

test("a token is held to the settings of the deployment", async () => {
  await refused(tokenFor(ec, "42"), /algorithm/, "only-rsa");
  await refused(tokenFor(ed, "42"), /algorithm/, "only-rsa");
  await refused(tokenFor(rsa, "42"), /key that is not known/, "inline");
  await refused(tokenFor(rsa, "42"), /algorithm/, "secret");
  await refused(tokenFor(secretKey(`${SECRET}x`), "42"), /signature/, "secret");
  await refused(tokenFor(secretKey(""), "42"), /signature/, "secret");
  await refused(tokenFor(ec, "42"), /typ/, "access-tokens");
  await refused(tokenFor(ec, "42", { header: { typ: undefined } }), /typ/, "access-tokens");
});

test("the reason is told in the characters that a header may have, and nothing of the settings", () => {
  const answers = env.transcript.filter((answer) => answer.includes('"invalid_token"'));
  assert.ok(answers.length >= invalid.length);
  for (const answer of answers) assert.ok(!answer.includes(ISSUER) && !answer.includes(AUDIENCE) && !answer.includes(SECRET));
});

test("no address is asked that a token names, and the keys were fetched once", () => {
  assert.equal(logIn.count("/evil"), 0);
  assert.equal(logIn.count("/keys"), 3, "by each of the Workers that has the address");
});

test("whatever was refused, the session and its car are as they were", async () => {
  assert.deepEqual(await visitor.connectionIds(), [id]);
  assert.equal((await ask("not a token", { path: "/healthz" })).status, 200);
});

test("another scheme is no token", async () => {
  const answer = await visitor.get("/connections", { headers: { authorization: "Basic dXNlcjpwYXNz" } });
  assert.deepEqual(answer.json().connections.map((connection) => connection.id), [id]);
});

test("no hostile token makes the Worker start again", async () => {
  assert.doesNotMatch(await env.log(), /panic|Critical|Reinitializing/i);
});
