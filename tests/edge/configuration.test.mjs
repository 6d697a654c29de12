// A Worker that is not well configured serves nothing and says which variable.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { openEnv } from "./harness/env.mjs";
import { assertProblem } from "./harness/problem.mjs";
import { scannerFor } from "./harness/secrets.mjs";
import { SERVICE_KEY, ownSecrets, sealingKey } from "./harness/settings.mjs";

const keys = { short: sealingKey("k1", 16), long: sealingKey("k1", 33), one: sealingKey("k1"), two: sealingKey("k2") };
const bytesOf = (key) => key.slice(key.indexOf(":") + 1);

const bad = {
  SMARTCAR_CLIENT_ID: ["", "client_abc123", "not a UUID"],
  SMARTCAR_CLIENT_SECRET: ["", '"quoted-secret"', "'quoted-secret'", "two words", "zero\u200bwidth", "\ufeffmarked", "café"],
  SEALING_KEYS: [
    "",
    "k1",
    "k1:",
    "k1:not base64!",
    ["without an id", bytesOf(keys.one)],
    ["with an empty id", `:${bytesOf(keys.one)}`],
    ["with a short key", keys.short],
    ["with a long key", keys.long],
    ["with an empty entry", `${keys.one},`],
    ["with a short second key", `${keys.one},${keys.short.replace("k1", "k2")}`],
    ["with an id twice", `${keys.one},k1:${bytesOf(keys.two)}`],
    ["with a key twice", `${keys.one},k2:${bytesOf(keys.one)}`],
  ],
  SERVICE_KEYS: ["short", "k".repeat(32), "0123456789abcdef".repeat(2), `${SERVICE_KEY},`, `"${SERVICE_KEY}"`],
  PATH_PREFIX: ["smartcar", "/smart car", "/smartcar/"],
  ALLOWED_ORIGINS: ["https://app.example,", ",https://app.example", ["of a list", ["https://app.example", 1]], "*", "http://app.example", "https://app.example/path", "app.example"],
  TOKEN_ENDPOINT_AUTH_METHOD: ["none", "CLIENT_SECRET_POST"],
  SMARTCAR_CONNECT_ORIGIN: ["http://connect.smartcar.com", "https://connect.smartcar.com/oauth"],
  SMARTCAR_AUTH_ORIGIN: ["http://auth.smartcar.com", "auth.smartcar.com"],
  SMARTCAR_API_ORIGIN: ["http://api.smartcar.com", "ftp://api.smartcar.com"],
  REFRESH_GRACE_SECONDS: ["-1", "soon", "1e9"],
  SESSION_DAYS: ["0", "-1", "always", ["set to a number out of range", 500], ["set to an object", { days: 30 }]],
  SESSION_MAX_DAYS: ["0", "3651", "never"],
  RETENTION_DAYS: ["0", "never", ["set to true", true]],
};

const cases = [
  ...["SMARTCAR_CLIENT_ID", "SMARTCAR_CLIENT_SECRET", "SEALING_KEYS"].map((variable) => ({ variable, what: "missing" })),
  ...Object.entries(bad).flatMap(([variable, values]) =>
    values.map((entry) => {
      const [what, value] = Array.isArray(entry) ? entry : [`set to ${JSON.stringify(entry)}`, entry];
      return { variable, what, value };
    }),
  ),
].map((entry, index) => ({ ...entry, name: `variant-${index}` }));

function without(values, variable) {
  const { [variable]: _, ...rest } = values;
  return rest;
}

const env = await openEnv({
  variants: (values) => [
    ...cases.map(({ name, variable, value }) => ({
      name,
      bindings: value === undefined ? without(values, variable) : { ...values, [variable]: value },
    })),
    { name: "no-kv", bindings: values, kv: false },
    { name: "no-vault", bindings: values, vault: false },
    {
      name: "the-least",
      bindings: Object.fromEntries(
        ["SMARTCAR_CLIENT_ID", "SMARTCAR_CLIENT_SECRET", "SEALING_KEYS", "ALLOWED_ORIGINS"].map((variable) => [
          variable,
          values[variable],
        ]),
      ),
    },
    { name: "own-origin-only", bindings: { ...values, ALLOWED_ORIGINS: "" } },
    // `wrangler.toml` takes numbers and lists as well as texts.
    {
      name: "not-text",
      bindings: { ...values, SESSION_DAYS: 30, ALLOWED_ORIGINS: [values.ALLOWED_ORIGINS, "https://app.example"] },
    },
    { name: "white-space-around", bindings: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, ` ${value}\n`])) },
    { name: "two-keys", bindings: { ...values, SEALING_KEYS: `${keys.one},${keys.two}` } },
    { name: "basic", bindings: { ...values, TOKEN_ENDPOINT_AUTH_METHOD: "client_secret_basic" } },
  ],
});
after(() => env.close());

const scan = scannerFor([...ownSecrets(env.values), ...Object.values(keys).map(bytesOf)]);

async function refuses(isolate, variable) {
  const client = env.client();
  const answers = [
    await client.get("/healthz", { isolate }),
    await client.start({ isolate }),
    await client.finish("?code=a&state=b", { isolate }),
    await client.get("/connections", { isolate }),
    await client.get("/vehicles", { isolate }),
  ];
  for (const answer of answers) {
    const problem = assertProblem(answer, { status: 503, code: "misconfigured" });
    assert.ok(problem.detail.includes(`\`${variable}\``), `\`${variable}\` is not named: ${problem.detail}`);
    assert.deepEqual(scan("problem", answer.text), []);
  }
}

for (const { name, variable, what } of cases) {
  test(`\`${variable}\` ${what}: 503 that names it`, () => refuses(name, variable));
}

test("`TOKENS` not bound: 503 that names it", () => refuses("no-kv", "TOKENS"));
test("`VAULT` not bound: 503 that names it", () => refuses("no-vault", "VAULT"));

for (const name of ["the-least", "own-origin-only", "not-text", "white-space-around", "two-keys", "basic"]) {
  test(`the configuration "${name}" is good`, async () => {
    const client = env.client();
    assert.equal((await client.get("/healthz", { isolate: name })).status, 200);
    assert.equal((await client.start({ isolate: name })).status, 200);
  });
}

test("a number counts as it is written, and the origins of a list are allowed", async () => {
  const client = env.client();
  const headers = { origin: "https://app.example" };
  const { setCookie, text, status } = await client.start({ isolate: "not-text" });
  assert.equal(status, 200, text);
  assert.match(setCookie[0], /; Max-Age=2592000$/);
  const answer = await client.get("/healthz", { isolate: "not-text", headers });
  assert.equal(answer.headers["access-control-allow-origin"], headers.origin);
});

test("what is wrong is in the log once, however many requests there are", async () => {
  const log = await env.log();
  for (const variable of ["TOKENS", "VAULT"]) {
    assert.equal(log.split(`\`${variable}\` is not bound`).length - 1, 1, variable);
  }
});

test("no key and no client secret is in the log of all these configurations", async () => {
  assert.deepEqual(scan("log", await env.log()), []);
});
