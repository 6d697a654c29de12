import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { call, open, setUp, start, storage } from "./support/chromium.mjs";
import { APPLICATION_ID, CONNECTION, json, problem } from "./support/server.mjs";

let lab;
before(async () => {
  lab = await setUp();
});
after(() => lab?.close());
beforeEach(() => lab.world.reset());

const OPTIONS = {
  scope: ["required:read_vehicle_info", "read_odometer"],
  mode: "simulated",
  approvalPrompt: "force",
  make: "TESLA",
  singleSelectVin: "5YJ3E1EA7KF317000",
  flags: ["country:DE", "a&b=c"],
  user: "user-7",
};

test("the Worker is told the state's fingerprint, and the page leaves for exactly this URL", async (t) => {
  const page = await lab.page(t, "/cars?tab=2#part");
  // The page is about to go: what `start` gives cannot be waited for.
  await page.evaluate((options) => void window.connect.start(options), OPTIONS);
  await page.waitForURL(`${lab.world.elsewhere}/oauth/authorize?**`);
  const state = new URL(page.url()).searchParams.get("state");
  assert.match(state, /^smartcar-connect\.[\w-]{43}$/);
  const query = new URLSearchParams([
    ["response_type", "code"],
    ["application_id", APPLICATION_ID],
    ["redirect_uri", `${lab.world.app}/cars`],
    ["scope", "required:read_vehicle_info read_odometer"],
    ["state", state],
    ["approval_prompt", "force"],
    ["mode", "simulated"],
    ["make", "TESLA"],
    ["single_select", "true"],
    ["single_select_vin", "5YJ3E1EA7KF317000"],
    ["flags", "country:DE a&b=c"],
    ["user", "user-7"],
    ["external_id", "ext-1"],
  ]);
  assert.equal(page.url(), `${lab.world.elsewhere}/oauth/authorize?${query}`);

  const [request, ...others] = lab.world.sent("/connect/start");
  assert.equal(others.length, 0);
  await open(page, `${lab.world.app}/cars`);
  const fingerprint = (await call(page, "stateFingerprint", state)).value;
  assert.deepEqual(request.body, {
    stateFingerprint: fingerprint,
    redirectUri: `${lab.world.app}/cars`,
    scope: "required:read_vehicle_info read_odometer",
    mode: "simulated",
  });
  assert.equal(request.headers["x-requested-with"], "smartcar-connect");
  assert.equal(request.headers["content-type"], "application/json");
  assert.ok(!JSON.stringify(lab.world.requests).includes(state));
});

test("start without navigation returns the URL for the app to use", async (t) => {
  const page = await lab.page(t);
  const before = Date.now();
  const { value } = await call(page, "start", { navigate: false, redirectUri: `${lab.world.app}/back?a=b`, applicationId: "app-1" });
  assert.deepEqual(Object.keys(value).sort(), ["expiresAt", "url"]);
  assert.ok(value.expiresAt >= before + 600_000 && value.expiresAt <= Date.now() + 600_000);
  const query = new URL(value.url).searchParams;
  assert.equal(query.get("redirect_uri"), `${lab.world.app}/back?a=b`);
  assert.equal(query.get("application_id"), "app-1");
  assert.equal(page.url(), `${lab.world.app}/cars`);
});

test("the owner is asked for what the Worker was told, whatever becomes of the options meanwhile", async (t) => {
  const page = await lab.page(t);
  const url = await page.evaluate(async () => {
    const scope = ["read_odometer"];
    const { fetch } = window;
    window.fetch = (...call) => {
      scope.push("control_security");
      return fetch(...call);
    };
    return (await window.connect.start({ navigate: false, scope })).url;
  });
  assert.equal(new URL(url).searchParams.get("scope"), "read_odometer");
  assert.equal(lab.world.sent("/connect/start")[0].body.scope, "read_odometer");
});

test("start sends no parameter that is not set", async (t) => {
  const page = await lab.page(t);
  const { value } = await call(page, "start", { navigate: false, scope: [], flags: [], user: undefined });
  const names = [...new URL(value.url).searchParams.keys()].sort();
  assert.deepEqual(names, ["application_id", "external_id", "redirect_uri", "response_type", "state"]);
});

test("after start the browser keeps the fingerprint, never the state", async (t) => {
  const page = await lab.page(t);
  const state = await start(page);
  const fingerprint = (await call(page, "stateFingerprint", state)).value;
  const kept = await storage(page);
  assert.ok(!kept.includes(state), kept);
  const entry = await page.evaluate((key) => JSON.parse(localStorage.getItem(key)), `smartcar-connect:attempt:${fingerprint}`);
  assert.deepEqual(entry, {
    startedAt: entry.startedAt,
    edge: `${lab.world.app}/smartcar`,
  });
});

test("two tabs, and two connections in one tab, do not get in each other's way", async (t) => {
  const context = await lab.profile(t);
  const [one, other] = [await context.newPage(), await context.newPage()];
  for (const page of [one, other]) await open(page, `${lab.world.app}/cars`);
  const [first, second, third] = [await start(one), await start(other), await start(one)];
  const finish = async (page, state) => {
    const { value, error } = await call(page, "finish", `/cars?code=1&state=${state}`);
    return value?.kind ?? error.code;
  };
  assert.equal(await finish(other, first), "connected");
  assert.equal(await finish(other, second), "connected");
  assert.equal(await finish(one, third), "connected");
});

test("a refused start leaves nothing behind", async (t) => {
  const page = await lab.page(t);
  for (const [answer, code] of [
    [problem(503, "misconfigured", "set the variable `SMARTCAR_CLIENT_ID`"), "misconfigured"],
    ["reset", "network_error"],
    [json({ externalId: "e", applicationId: APPLICATION_ID }), "unexpected_response"],
    [json({ externalId: "e", applicationId: APPLICATION_ID, connectOrigin: "javascript:alert(1)" }), "unexpected_response"],
    [json({ externalId: "e", applicationId: APPLICATION_ID, connectOrigin: "http://evil.test" }), "unexpected_response"],
  ]) {
    lab.world.answers["/connect/start"] = answer;
    const { error } = await call(page, "start");
    assert.equal(error?.code, code);
    assert.equal(await storage(page), "[{},{}]");
  }
  assert.equal(page.url(), `${lab.world.app}/cars`);
});

test("start says so when the browser blocks storage, and finish leaves the decision to the Worker", async (t) => {
  const context = await lab.profile(t);
  await context.addInitScript(() => {
    Object.defineProperty(window, "localStorage", {
      get() {
        throw new DOMException("blocked", "SecurityError");
      },
    });
  });
  const page = await open(await context.newPage(), `${lab.world.app}/cars?code=1&state=smartcar-connect.s`);
  const { error } = await call(page, "start");
  assert.equal(error.code, "browser_storage_unavailable");
  assert.match(error.message, /`localStorage` is blocked or full.*allow this site to store data/);
  assert.equal(lab.world.requests.length, 0);
  assert.equal((await call(page, "finish")).value.kind, "connected");
});

test("start says so when the storage is full", async (t) => {
  const page = await lab.page(t);
  await page.evaluate(() => {
    for (let size = 1 << 22; size >= 1; size = Math.floor(size / 2)) {
      try {
        for (let i = 0; ; i += 1) localStorage.setItem(`${size}-${i}`, "x".repeat(size));
      } catch {}
    }
  });
  assert.equal((await call(page, "start")).error.code, "browser_storage_unavailable");
  assert.equal(lab.world.requests.length, 0);
});

test("the Worker may be elsewhere, and finish remembers where", async (t) => {
  const page = await lab.page(t);
  const state = await start(page, { edge: `${lab.world.elsewhere}/other/edge/` });
  assert.equal((await call(page, "finish", `?code=1&state=${state}`)).value.kind, "connected");
  const origins = lab.world.requests.filter(({ method }) => method === "POST").map(({ headers }) => headers.host);
  assert.deepEqual(origins, Array(2).fill(new URL(lab.world.elsewhere).host));
  assert.equal(lab.world.sent("/connect/finish")[0].headers.origin, lab.world.app);
});

test("cookies go to the Worker, on its own origin and on another", async (t) => {
  const page = await lab.page(t);
  for (const [edge, credentials] of [
    ["/smartcar", "same-origin"],
    [`${lab.world.elsewhere}/smartcar`, "include"],
  ]) {
    const init = await page.evaluate(async (edge) => {
      let seen;
      const { fetch } = window;
      window.fetch = (url, init) => {
        const { signal, ...rest } = init;
        seen = { url, ...rest, deadline: signal instanceof AbortSignal };
        return fetch(url, init);
      };
      await window.connect.connections({ edge });
      window.fetch = fetch;
      return seen;
    }, edge);
    assert.deepEqual(init, {
      url: new URL(`${edge}/connections`, lab.world.app).href,
      method: "GET",
      headers: { Accept: "application/json", "X-Requested-With": "smartcar-connect" },
      credentials,
      cache: "no-store",
      redirect: "manual",
      deadline: true,
    });
  }
});

test("connections and vehicles, as the Worker lists them and nothing more", async (t) => {
  const page = await lab.page(t);
  assert.deepEqual(await call(page, "connections"), { value: [CONNECTION] });
  const ended = { ...CONNECTION, status: "reconnection_required", cause: "invalid_grant", accessExpiresAt: null };
  lab.world.answers["/connections"] = json({ connections: [ended, { ...CONNECTION, token: "leaked" }], more: 1 });
  assert.deepEqual(await call(page, "connections"), { value: [ended, CONNECTION] });
  lab.world.answers["/vehicles"] = json({
    vehicles: [
      { id: "v1", connectionId: "c1", make: "TESLA", model: "Model 3", year: 2024 },
      { id: "v2", connectionId: "c1", make: null, problem: "upstream_unavailable" },
    ],
  });
  assert.deepEqual(await call(page, "vehicles"), {
    value: [
      { id: "v1", connectionId: "c1", make: "TESLA", model: "Model 3", year: 2024 },
      { id: "v2", connectionId: "c1", problem: "upstream_unavailable" },
    ],
  });
});

test("an answer that is not the Worker's is an error that says what to check", async (t) => {
  const page = await lab.page(t);
  for (const answer of [
    { status: 200, type: "text/html", body: "<!doctype html>" },
    { status: 404, type: "text/plain", body: "nothing here" },
    { status: 302, type: "text/html", headers: { location: "/login" }, body: "" },
    { status: 500, type: "application/json", body: '{"message":"no code"}' },
    json([]),
    json({ connections: [{ ...CONNECTION, status: "brilliant" }] }),
    json({ connections: [{ ...CONNECTION, since: "yesterday" }] }),
    json({ connections: {} }),
  ]) {
    lab.world.answers["/connections"] = answer;
    const { error } = await call(page, "connections");
    assert.equal(error?.code, "unexpected_response", answer.body);
    assert.ok(error.message.includes(`${lab.world.app}/smartcar/connections`), error.message);
    assert.match(error.message, /option `edge`/);
  }
});

test("an answer of somebody in between is told by its status, with the wait that it asks for", async (t) => {
  const page = await lab.page(t);
  const html = (status, headers) => ({ status, type: "text/html", headers, body: "<h1>Attention required</h1>" });
  for (const [answer, words, retryAfter] of [
    [html(429, { "retry-after": "30" }), /asked too often.*try again later/, 30],
    [html(429, { "retry-after": "999999" }), /asked too often/, 3600],
    [html(429), /asked too often/, undefined],
    [html(403), /refused by something in front of the Worker, such as a firewall/, undefined],
    [html(401), /refused by something in front of the Worker/, undefined],
    [html(503, { "retry-after": "7" }), /failed before the Worker could answer; try again later/, 7],
    [html(502, { "retry-after": "soon" }), /try again later/, undefined],
    [html(503, { "retry-after": "Fri, 31 Dec 9999 23:59:59 GMT" }), /try again later/, 3600],
    [html(503, { "retry-after": "Wed, 21 Oct 2015 07:28:00 GMT" }), /try again later/, 0],
    [html(503, { "retry-after": "2099-10-21" }), /try again later/, undefined],
  ]) {
    lab.world.answers["/connections"] = answer;
    const { error } = await call(page, "connections");
    assert.equal(error.code, "unexpected_response");
    assert.equal(error.status, answer.status);
    assert.equal(error.retryAfter, retryAfter);
    assert.match(error.message, words);
    if (answer.status < 500) assert.doesNotMatch(error.message, /`edge`/);
    assert.doesNotMatch(error.message, /Attention/);
  }
});

test("a problem of the Worker's is told whole", async (t) => {
  const page = await lab.page(t);
  lab.world.answers["/connections"] = problem(503, "upstream_unavailable", "try again", { retryAfter: 5, field: "x" });
  assert.deepEqual((await call(page, "connections")).error, {
    name: "ConnectError",
    isError: true,
    code: "upstream_unavailable",
    message: "try again",
    field: "x",
    status: 503,
    requestId: "req-1",
    retryAfter: 5,
  });
  lab.world.answers["/connections"] = problem(418, "teapot", "short and stout");
  const { error } = await call(page, "connections");
  assert.equal(error.code, "edge_error");
  assert.equal(error.message, "short and stout (teapot)");
});

test("a Worker that cannot be reached is a network error", async (t) => {
  const page = await lab.page(t);
  lab.world.answers["/vehicles"] = "reset";
  const error = await page.evaluate(() =>
    window.connect.vehicles().catch(({ code, message, cause }) => ({ code, message, cause: cause instanceof TypeError })),
  );
  assert.equal(error.code, "network_error");
  assert.ok(error.cause);
  assert.ok(error.message.includes(`${lab.world.app}/smartcar/vehicles`));
});
