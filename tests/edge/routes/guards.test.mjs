// What the HTTP API refuses before it does anything, and how its answers look.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { mintState } from "../harness/client.mjs";
import { openEnv } from "../harness/env.mjs";
import { send } from "../harness/http.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { PREFIX, SERVICE_KEY, sessionCookieAt } from "../harness/settings.mjs";

const env = await openEnv();
after(() => env.close());

const LIMIT = 16 * 1024;
const ALWAYS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "strict-transport-security": "max-age=31536000",
  "x-content-type-options": "nosniff",
};
const SESSION_COOKIE = sessionCookieAt(env.page);
const ROUTES = ["/connect/start", "/connect/finish"];

function goodBody() {
  return { stateFingerprint: mintState().fingerprint, redirectUri: env.redirectUri };
}

const foreign = { origin: "https://evil.example" };
const guarded = [
  ["without X-Requested-With", { "x-requested-with": undefined }, 403],
  ["with another X-Requested-With", { "x-requested-with": "XMLHttpRequest" }, 403],
  ["with a foreign Origin", { ...foreign, "sec-fetch-site": "cross-site" }, 403],
  ["with a foreign Origin and no Sec-Fetch-Site", { ...foreign, "sec-fetch-site": undefined }, 403],
  ["with a foreign Origin that starts like ours", { origin: `${env.page}0`, "sec-fetch-site": "same-site" }, 403],
  ["with Origin null", { origin: "null", "sec-fetch-site": "cross-site" }, 403],
  ["from another site without an Origin", { origin: undefined, "sec-fetch-site": "cross-site" }, 403],
  ["from a sibling site without an Origin", { origin: undefined, "sec-fetch-site": "same-site" }, 403],
  ["with neither Origin nor Sec-Fetch-Site", { origin: undefined, "sec-fetch-site": undefined }, 403],
  ["as a form", { "content-type": "application/x-www-form-urlencoded" }, 415],
  ["as multipart", { "content-type": "multipart/form-data; boundary=x" }, 415],
  ["as plain text", { "content-type": "text/plain" }, 415],
  ["as plain text that mentions JSON", { "content-type": "text/plain; application/json" }, 415],
  ["without a content type", { "content-type": undefined }, 415],
];

for (const route of ROUTES) {
  for (const [how, headers, status] of guarded) {
    test(`POST ${route} ${how} is refused with ${status}`, async () => {
      const answer = await env.client().post(route, goodBody(), { headers });
      assertProblem(answer, { status });
      assert.deepEqual(answer.setCookie, []);
    });
  }
}

for (const [how, headers] of [
  ["with our Origin alone", { "sec-fetch-site": undefined }],
  ["with Sec-Fetch-Site: same-origin alone", { origin: undefined }],
  ["with a charset", { "content-type": "application/json; charset=utf-8" }],
  ["with a content type in capitals", { "content-type": "Application/JSON" }],
]) {
  test(`POST /connect/start ${how} is accepted`, async () => {
    const answer = await env.client().post("/connect/start", goodBody(), { headers });
    assert.equal(answer.status, 200, answer.text);
  });
}

test("no answer lets a foreign page read it", async () => {
  const client = env.client();
  for (const answer of [
    await client.get("/connections", { headers: foreign }),
    await client.request("OPTIONS", "/connect/start", {
      headers: { ...foreign, "access-control-request-method": "POST", "access-control-request-headers": "x-requested-with" },
    }),
    await client.post("/connect/start", goodBody(), { headers: foreign }),
  ]) {
    assert.deepEqual(Object.keys(answer.headers).filter((name) => name.startsWith("access-control-")), []);
  }
});

/** What a browser asks before a page of another origin may send `headers` with a request of `method`. */
function preflight(client, method, path, { origin, headers }) {
  const asked = { "access-control-request-method": method, "access-control-request-headers": headers.join(",") };
  return client.request("OPTIONS", path, { headers: { origin, cookie: undefined, ...asked } });
}

const TRACING = ["traceparent", "tracestate", "baggage", "sentry-trace", "b3", "x-b3-traceid", "x-datadog-trace-id", "newrelic"];

test("a page of an allowed origin may send our headers, and those of its monitoring, and no other", async () => {
  const client = env.client();
  for (const [method, path] of [
    ["POST", "/connect/start"],
    ["POST", "/connect/finish"],
    ["GET", "/connections"],
    ["GET", "/vehicles"],
    ["DELETE", "/connections"],
  ]) {
    const answer = await preflight(client, method, path, { origin: env.page, headers: ["x-requested-with"] });
    assert.equal(answer.status, 204);
    assert.equal(answer.headers["access-control-allow-origin"], env.page);
    assert.equal(answer.headers["access-control-allow-credentials"], "true");
    assert.ok(answer.headers["access-control-allow-methods"].split(", ").includes(method));
    const allowed = answer.headers["access-control-allow-headers"].split(", ");
    for (const name of ["content-type", "x-requested-with", ...TRACING]) assert.ok(allowed.includes(name), name);
    assert.ok(!allowed.includes("authorization") && !allowed.includes("*"));
  }
});

test("a monitoring that nobody knows here breaks no request, and asks for no credential's header", async () => {
  const headers = ["content-type", "x-dtpc", "x-requested-with", "x-whatever-comes-next", "authorization", "smartcar-connect-user", "*"];
  const answer = await preflight(env.client(), "POST", "/connect/start", { origin: env.page, headers });
  const allowed = answer.headers["access-control-allow-headers"].split(", ");
  for (const name of ["content-type", "x-requested-with", "x-dtpc", "x-whatever-comes-next"]) assert.ok(allowed.includes(name), name);
  for (const name of ["authorization", "smartcar-connect-user", "*"]) assert.ok(!allowed.includes(name), name);
  const foreign = await preflight(env.client(), "POST", "/connect/start", { origin: "https://evil.example", headers });
  assert.equal(foreign.headers["access-control-allow-headers"], undefined);
});

test("what a page's monitoring adds to a request changes nothing", async () => {
  const headers = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", baggage: "a=b", "sentry-trace": "x" };
  assert.equal((await env.client().post("/connect/start", goodBody(), { headers })).status, 200);
});

test("every answer differs by origin, and says so to caches", async () => {
  const client = env.client();
  for (const headers of [{}, { origin: env.page }, foreign]) {
    for (const [method, path] of [
      ["GET", "/healthz"],
      ["GET", "/connections"],
      ["GET", "/nothing"],
      ["OPTIONS", "/connections"],
      ["PUT", "/connections"],
    ]) {
      assert.equal((await client.request(method, path, { headers })).headers.vary, "origin", `${method} ${path}`);
    }
  }
});

test("a body over 16 KiB is refused, announced or not", async () => {
  const client = env.client();
  const body = JSON.stringify({ ...goodBody(), padding: "x".repeat(LIMIT) });
  for (const chunked of [false, true]) {
    const answer = await client.request("POST", "/connect/start", { headers: client.guards, body, chunked });
    assertProblem(answer, { status: 413 });
  }
});

test("a body over 16 KiB with a length that lies is refused", async () => {
  const client = env.client();
  const answer = await client.request("POST", "/connect/finish", {
    headers: { ...client.guards, "transfer-encoding": "chunked" },
    body: JSON.stringify({ callback: "x".repeat(4 * LIMIT) }),
    chunked: true,
  });
  assertProblem(answer, { status: 413 });
});

const plain = { "content-type": "text/plain" };
const id = "AAAAAAAAAAAAAAAAAAAAAA";

test("one rule holds for every body, whether the route takes one or not", async () => {
  const client = env.client();
  await client.start();
  const service = { authorization: `Bearer ${SERVICE_KEY}`, "content-type": "application/json" };
  for (const [method, path, own] of [
    ["DELETE", "/connections", {}],
    ["DELETE", `/connections/${id}`, {}],
    ["POST", "/connect/start", {}],
    ["POST", "/connect/finish", {}],
    ["POST", "/internal/token", service],
  ]) {
    const ask = (headers, body, chunked) =>
      client.request(method, path, { headers: { ...client.guards, ...own, ...headers }, body, chunked });
    for (const chunked of [false, true]) {
      assertProblem(await ask(plain, "{}", chunked), { status: 415, code: "unsupported_media_type" });
      assertProblem(await ask({}, " ".repeat(100 * 1024), chunked), { status: 413, code: "body_too_large" });
    }
    assertProblem(await ask({ "content-type": undefined }, "{}"), { status: 415, code: "unsupported_media_type" });
  }
});

test("a route that takes no body takes none, said to be what it may, and lets JSON be", async () => {
  const client = env.client();
  for (const [headers, body, chunked] of [
    [{ "content-type": undefined }, undefined, false],
    [plain, undefined, false],
    [plain, "", false],
    [plain, "", true],
    [{}, "{}", false],
    [{}, "{}", true],
  ]) {
    const answer = await client.request("DELETE", "/connections", { headers: { ...client.guards, ...headers }, body, chunked });
    assert.equal(answer.status, 204, answer.text);
  }
});

test("a name that nobody can read is repeated short and printable, and so is an origin", async () => {
  const client = env.client();
  const names = ["x".repeat(9000), "\u001b[31mred\u001b[0m", "\u202e\u2066evil", "a`b", "\u0000", "\u200b".repeat(2000)];
  const details = [];
  for (const name of names) {
    for (const route of ROUTES) {
      const answer = await client.post(route, { [name]: 1 });
      details.push(assertProblem(answer, { status: 400, code: "invalid_body" }).detail);
    }
  }
  for (const origin of [`https://${"x".repeat(9000)}.example`, "x`y", "\u00e9".repeat(300)]) {
    const answer = await client.post("/connect/start", goodBody(), { headers: { origin } });
    details.push(assertProblem(answer, { status: 403, code: "origin_not_allowed" }).detail);
  }
  for (const detail of details) {
    assert.ok(detail.length < 500, `${detail.length} characters`);
    assert.match(detail, /^[\x20-\x7e]*$/);
  }
});

test("a body that lacks a field, or has one too many, is told which; nothing else of it is repeated", async () => {
  const client = env.client();
  const told = async (body) => {
    const { detail } = assertProblem(await client.post("/connect/start", body), { status: 400, code: "invalid_body" });
    return detail;
  };
  assert.match(await told({}), /missing field `stateFingerprint`/);
  assert.match(await told({ ...goodBody(), extra: 1 }), /unknown field `extra`/);
  const typed = await told({ ...goodBody(), redirectUri: 4815162342 });
  assert.match(typed, /see line 1, column \d+/);
  assert.doesNotMatch(typed, /4815162342/);
});

test("an origin that is not allowed is named, with those that are", async () => {
  const client = env.client();
  const answer = await client.post("/connect/start", goodBody(), { headers: { origin: "https://other.example" } });
  const { detail } = assertProblem(answer, { status: 403, code: "origin_not_allowed" });
  assert.match(detail, /`https:\/\/other\.example`/);
  const odd = await client.post("/connect/start", goodBody(), { headers: { origin: "x`y <b>" } });
  assert.doesNotMatch(assertProblem(odd, { status: 403 }).detail, /<b>/);
});

const fingerprint = mintState().fingerprint;
const { redirectUri } = env;
const bodies = {
  nothing: "",
  "white space": "  \n",
  "half a document": '{"stateFingerprint":',
  "two documents": "{}{}",
  "a form": "stateFingerprint=x&redirectUri=y",
  null: "null",
  "a number": "1e999",
  "a string": '"callback"',
  "an array": "[]",
  "an empty object": "{}",
  "invalid UTF-8": Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]),
  "a lone surrogate": '{"callback":"\\ud800","stateFingerprint":"\\ud800","redirectUri":"\\ud800"}',
  "deep nesting": `${"[".repeat(8000)}${"]".repeat(8000)}`,
  "deep nesting in a member": `{"callback":${"[".repeat(6000)}${"]".repeat(6000)}}`,
  "numbers for text": JSON.stringify({ stateFingerprint: 1, redirectUri: 2, callback: 3 }),
  "nulls for text": JSON.stringify({ stateFingerprint: null, redirectUri: null, callback: null }),
  "objects for text": JSON.stringify({ stateFingerprint: {}, redirectUri: {}, callback: {} }),
  "arrays for text": JSON.stringify({ stateFingerprint: ["x"], redirectUri: [redirectUri], callback: ["?code=x"] }),
  "a repeated member": `{"stateFingerprint":"${fingerprint}","stateFingerprint":"${fingerprint}","redirectUri":"${redirectUri}","callback":"a=1","callback":"b=1"}`,
  "a short fingerprint": JSON.stringify({ stateFingerprint: "short", redirectUri, callback: "?" }),
  "a fingerprint that is not base64url": JSON.stringify({ stateFingerprint: "+".repeat(43), redirectUri }),
  "NUL in text": JSON.stringify({ stateFingerprint: `${fingerprint}\u0000`, redirectUri: `${redirectUri}\u0000`, callback: "\u0000" }),
  "prototype members": '{"__proto__":{"stateFingerprint":"x"},"constructor":1}',
};

for (const route of ROUTES) {
  for (const [what, body] of Object.entries(bodies)) {
    test(`POST ${route} with ${what} is refused`, async () => {
      const client = env.client();
      await client.start();
      const answer = await client.request("POST", route, { headers: client.guards, body });
      const problem = assertProblem(answer);
      assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status} ${answer.text}`);
      for (const name of ["struct", "expected value", "Option<", "serde"]) {
        assert.ok(!problem.detail.includes(name), `internal words in: ${problem.detail}`);
      }
    });
  }
}

const redirects = {
  "of a foreign origin": "https://evil.example/",
  "of a foreign origin with our host as user": `http://${new URL(env.page).host}@evil.example/`,
  "of another port": env.redirectUri.replace(/:\d+/, ":1"),
  "with a fragment": `${env.redirectUri}#x`,
  relative: "/callback",
  "relative to the scheme": "//evil.example/",
  "without a host": "javascript:alert(1)",
  "of data": "data:text/html,x",
  "with a line break": `${env.redirectUri}\r\nset-cookie: a=b`,
  "that is empty": "",
  "that is over-long": `${env.redirectUri}${"a".repeat(8000)}`,
};
for (const [what, uri] of Object.entries(redirects)) {
  test(`a redirect URI ${what} is refused and named`, async () => {
    const answer = await env.client().start({ redirectUri: uri });
    const problem = assertProblem(answer);
    assert.ok(answer.status >= 400 && answer.status < 500, answer.text);
    assert.equal(problem.field, "redirectUri");
  });
}

test("a finish without a session is told so, and gets none", async () => {
  const client = env.client();
  const { state } = mintState();
  for (const cookie of [undefined, `${SESSION_COOKIE}=forged`]) {
    const answer = await client.post("/connect/finish", { callback: `?code=a&state=${state}` }, { headers: { cookie } });
    const { detail } = assertProblem(answer, { status: 401, code: "session_missing" });
    assert.match(detail, /session cookie is missing or has ended/);
    assert.deepEqual(answer.setCookie, []);
  }
});

test("a 401 says which credential would have counted", async () => {
  const client = env.client();
  const finished = await client.post("/connect/finish", { callback: "?code=a&state=b" });
  assertProblem(finished, { status: 401, code: "session_missing" });
  assert.equal(finished.headers["www-authenticate"], `Cookie realm="smartcar-connect", cookie-name="${SESSION_COOKIE}"`);
  for (const [method, path] of [
    ["POST", "/internal/token"],
    ["GET", "/internal/rotation"],
    ["GET", "/internal/connections"],
  ]) {
    for (const [authorization, challenge] of [
      [undefined, 'Bearer realm="smartcar-connect"'],
      ["Basic dXNlcjpwYXNz", 'Bearer realm="smartcar-connect"'],
      ["Bearer wrong", 'Bearer realm="smartcar-connect", error="invalid_token"'],
      ["bearer wrong", 'Bearer realm="smartcar-connect", error="invalid_token"'],
    ]) {
      const answer = await client.request(method, path, { headers: { ...client.guards, authorization } });
      assertProblem(answer, { status: 401, code: "service_key_rejected" });
      assert.equal(answer.headers["www-authenticate"], challenge);
    }
  }
  const found = await client.get("/healthz");
  assert.equal(found.headers["www-authenticate"], undefined);
});

test("a page elsewhere can't make a browser look: what asks Smartcar has to be meant", async () => {
  const client = env.client();
  const { id } = await env.connected(client);
  const calls = async () => (await env.simulator.requests()).filter(({ path }) => path.startsWith("/v2.0/vehicles/")).length;
  const bare = { "x-requested-with": undefined, "sec-fetch-site": undefined };
  const noCors = (site) => ({ ...bare, "sec-fetch-site": site, "sec-fetch-mode": "no-cors" });
  const before = await calls();
  for (const headers of [noCors("same-site"), noCors("cross-site"), { ...bare, ...foreign, "sec-fetch-site": "same-site" }]) {
    for (const path of ["/vehicles", "/connections", `/connections/${id}`]) {
      const answer = await client.get(path, { headers });
      assertProblem(answer, { status: 403, code: "header_missing" });
      assert.equal(answer.json().field, "X-Requested-With");
    }
  }
  for (const headers of [bare, noCors("none")]) {
    assertProblem(await client.get("/vehicles", { headers }), { status: 403, code: "header_missing" });
    assert.equal((await client.get("/connections", { headers })).status, 200);
  }
  assert.equal(await calls(), before, "Smartcar was asked");
  for (const headers of [
    { ...bare, "sec-fetch-site": "same-origin" },
    { ...bare, "x-requested-with": "smartcar-connect" },
    { ...bare, origin: env.page, "sec-fetch-site": "cross-site" },
  ]) {
    const { vehicles } = (await client.get("/vehicles", { headers })).json();
    assert.ok(vehicles.length > 0);
  }
});

test("the name of a request is the Worker's own, whatever the client calls it", async () => {
  const client = env.client();
  const seen = new Set();
  for (const [path, method] of [
    ["/healthz", "GET"],
    ["/nothing", "GET"],
    ["/connections", "OPTIONS"],
  ]) {
    for (const name of ["chosen", "x".repeat(500)]) {
      const answer = await client.request(method, path, { headers: { "x-request-id": name, "cf-ray": name } });
      const own = answer.headers["x-request-id"];
      assert.match(own, /^[\w-]{16,64}$/);
      assert.ok(!answer.text.includes(name));
      seen.add(own);
    }
  }
  assert.equal(seen.size, 6);
});

test("unknown routes are 404 with nothing of the request in the answer", async () => {
  const client = env.client();
  const paths = ["", "/", "/nothing", "/connect", "/connect/start/", "/connections/a/b", "/internal", "//", "/Connections"];
  for (const path of paths) {
    const answer = await client.get(path);
    assertProblem(answer, { status: 404 });
    assert.ok(path.length < 4 || !answer.text.includes(path), answer.text);
  }
});

const methods = [
  ["GET", "/connect/start", ["POST"]],
  ["PUT", "/connect/start", ["POST"]],
  ["DELETE", "/connect/finish", ["POST"]],
  ["GET", "/connect/finish", ["POST"]],
  ["POST", "/vehicles", ["GET"]],
  ["PATCH", "/connections", ["GET"]],
  ["PUT", "/connections/AAAAAAAAAAAAAAAAAAAAAA", ["GET"]],
  ["POST", "/healthz", ["GET"]],
];
for (const [method, path, allowed] of methods) {
  test(`${method} ${path} is 405 and says what is allowed`, async () => {
    const client = env.client();
    const answer = await client.request(method, path, { headers: client.guards });
    assertProblem(answer, { status: 405 });
    const allow = answer.headers.allow.split(/\s*,\s*/);
    for (const name of allowed) assert.ok(allow.includes(name), answer.headers.allow);
    assert.ok(!allow.includes(method));
  });
}

test("hostile paths, cookies and headers never end in a 500", async () => {
  const client = env.client();
  const long = "x".repeat(4000);
  const hostile = [
    ["GET", "/connections/%00", {}],
    ["GET", "/connections/%ff%fe", {}],
    ["GET", "/connections/%", {}],
    ["GET", `/connections/${long}`, {}],
    ["GET", "/connections/..%2f..%2fhealthz", {}],
    ["GET", "/%2e%2e/smartcar/connections", {}],
    ["GET", "/connections?a=%zz&a[]=1", {}],
    ["GET", "/connections", { cookie: `${SESSION_COOKIE}=` }],
    ["GET", "/connections", { cookie: `${SESSION_COOKIE}` }],
    ["GET", "/connections", { cookie: `${SESSION_COOKIE}=${long}` }],
    ["GET", "/connections", { cookie: `${SESSION_COOKIE}=%00; ${SESSION_COOKIE}=..` }],
    ["GET", "/connections", { cookie: `;;;=;=${long}` }],
    ["GET", "/connections", { cookie: Buffer.from([0x61, 0x3d, 0xff, 0xfe]).toString("latin1") }],
    ["GET", "/connections", { authorization: `Bearer ${long}` }],
    ["POST", "/internal/token", { authorization: "Bearer " }],
    ["HEAD", "/connections", {}],
  ];
  for (const [method, path, headers] of hostile) {
    const answer = await client.request(method, path, { headers });
    assert.ok(answer.status < 500, `${method} ${path.slice(0, 40)} ${JSON.stringify(headers).slice(0, 60)}: ${answer.status}`);
    assert.equal(answer.headers["cache-control"], "no-store");
  }
});

test("every answer is no-store and cannot be sniffed, framed or embedded, and every problem has its own request id", async () => {
  const client = env.client();
  await env.connect(client);
  const answers = [
    await client.get("/healthz"),
    await client.get("/connections"),
    await client.get("/vehicles"),
    await client.get("/nothing"),
    await client.get("/connections/unknown"),
    await client.post("/connect/finish", {}),
    await client.post("/connect/start", goodBody()),
    await client.request("PUT", "/connections"),
    await client.request("POST", "/internal/token"),
  ];
  const ids = new Set();
  for (const answer of answers) {
    for (const [name, value] of Object.entries(ALWAYS)) assert.equal(answer.headers[name], value, name);
    const { requestId } = answer.json();
    if (answer.status >= 400) ids.add(requestId);
  }
  assert.equal(ids.size, answers.filter(({ status }) => status >= 400).length);
});

test("the session cookie cannot be read by scripts, sent elsewhere or set by a sibling host", async () => {
  const client = env.client();
  const first = await client.start();
  assert.equal(first.setCookie.length, 1);
  const [pair, ...attributes] = first.setCookie[0].split(/;\s*/);
  const names = attributes.map((attribute) => attribute.toLowerCase());
  assert.ok(pair.startsWith(`${SESSION_COOKIE}=`));
  for (const name of ["httponly", "secure", "samesite=strict", "path=/"]) assert.ok(names.includes(name), first.setCookie[0]);
  assert.ok(!names.some((name) => name.startsWith("domain")));
  const again = await client.start();
  assert.equal(again.status, 200);
  assert.deepEqual(again.setCookie, [], "a valid session is kept");
});

test("reading without a session is an empty list and makes no session", async () => {
  const client = env.client();
  for (const [path, name] of [
    ["/connections", "connections"],
    ["/vehicles", "vehicles"],
  ]) {
    const answer = await client.get(path);
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.json(), { [name]: [] });
    assert.deepEqual(answer.setCookie, []);
  }
  assertProblem(await client.get("/connections/anything"), { status: 404 });
});

test("healthz answers", async () => {
  const answer = await send(`${env.edge.origin}${PREFIX}/healthz`);
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.json(), { status: "ok" });
});

test("no hostile request of these tests makes the Worker start again", async () => {
  assert.doesNotMatch(await env.log(), /panic|Critical|Reinitializing/i);
});
