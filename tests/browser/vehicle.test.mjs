// Requests about one car: the Worker's paths, what comes back, and how a refusal of Smartcar's is told.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { open, setUp } from "./support/chromium.mjs";
import { json, problem } from "./support/server.mjs";

let lab;
before(async () => {
  lab = await setUp();
});
after(() => lab?.close());
beforeEach(() => lab.world.reset());

async function run(page, script) {
  return page.evaluate(async (script) => {
    const tell = ({ name, code, field, message, status, retryAfter, requestId, smartcar }) => ({
      threw: code,
      name,
      field,
      message,
      status,
      retryAfter,
      requestId,
      smartcar,
    });
    const attempt = (call) => Promise.resolve().then(call).catch(tell);
    return new Function("connect", "attempt", `return (async () => { ${script} })()`)(window.connect, attempt);
  }, script);
}

const CAR = "36ab27d0-fd9d-4455-823a-ce30af709ffc";
const V2 = `/api/v2.0/vehicles/${CAR}`;

test("a read answers the body and what Smartcar says about it", async (t) => {
  const page = await lab.page(t);
  const headers = {
    "sc-request-id": "r-1",
    "sc-data-age": "2026-11-24T12:00:00.000Z",
    "sc-fetched-at": "2026-11-24T12:00:05.000Z",
    "sc-unit-system": "imperial",
    "x-request-id": "ours",
  };
  lab.world.answers[`${V2}/odometer`] = { ...json({ distance: 104.32 }), headers };
  lab.world.answers[V2] = json({ id: CAR, make: "TESLA", model: "Model 3", year: 2019 });
  const answer = await run(page, `return connect.vehicle("${CAR}", { unitSystem: "imperial" }).get("/odometer")`);
  assert.deepEqual(answer, {
    data: { distance: 104.32 },
    requestId: "r-1",
    dataAge: "2026-11-24T12:00:00.000Z",
    fetchedAt: "2026-11-24T12:00:05.000Z",
    unitSystem: "imperial",
  });
  assert.deepEqual(await run(page, `return connect.vehicle("${CAR}").get("/")`), { data: { id: CAR, make: "TESLA", model: "Model 3", year: 2019 } });
  const [first, second] = lab.world.requests;
  assert.equal(first.headers["sc-unit-system"], "imperial");
  assert.equal(first.headers["x-requested-with"], "smartcar-connect");
  assert.equal(second.headers["sc-unit-system"], undefined);
});

test("each method, with a body and a query, of both versions, for the caller", async (t) => {
  const page = await lab.page(t);
  for (const path of [`${V2}/charge`, `${V2}/ford/charge/schedule_by_location`, `/api/v3/vehicles/${CAR}/signals`]) {
    lab.world.answers[path] = json({ status: "success" });
  }
  lab.world.answers[`/api/v3/vehicles/${CAR}/charge-schedules/s1`] = { status: 204 };
  const answers = await run(
    page,
    `const { vehicle } = connect.createConnect({ getToken: () => "jwt", edge: "${lab.world.elsewhere}/smartcar" });
     const [car, v3] = [vehicle("${CAR}"), vehicle("${CAR}", { version: "v3" })];
     return [
       await car.post("/charge", { action: "START" }),
       await car.put("/ford/charge/schedule_by_location", { chargingLocation: {} }, { query: { latitude: 1.5, longitude: -2, no: undefined }, unitSystem: "metric" }),
       await v3.get("/signals"),
       await v3.delete("/charge-schedules/s1"),
     ];`,
  );
  assert.deepEqual(answers, [...Array(3).fill({ data: { status: "success" } }), { data: undefined }]);
  const sent = lab.world.requests.filter(({ method }) => method !== "OPTIONS");
  assert.deepEqual(
    sent.map(({ method, path, search, body }) => [method, path.replace(CAR, "id") + search, body]),
    [
      ["POST", "/api/v2.0/vehicles/id/charge", { action: "START" }],
      ["PUT", "/api/v2.0/vehicles/id/ford/charge/schedule_by_location?latitude=1.5&longitude=-2", { chargingLocation: {} }],
      ["GET", "/api/v3/vehicles/id/signals", null],
      ["DELETE", "/api/v3/vehicles/id/charge-schedules/s1", null],
    ],
  );
  assert.deepEqual(sent.map(({ headers }) => headers.authorization), Array(4).fill("Bearer jwt"));
  assert.equal(sent[0].headers["content-type"], "application/json");
});

test("a refusal of Smartcar's is told with its names; one of the Worker's, and of what is between, as ever", async (t) => {
  const page = await lab.page(t);
  const smartcar = {
    status: 429,
    type: "RATE_LIMIT",
    code: "VEHICLE",
    resolution: "RETRY_LATER",
    requestId: "r-2",
  };
  const read = `return attempt(() => connect.vehicle("${CAR}").get("/odometer"))`;
  lab.world.answers[`${V2}/odometer`] = problem(429, "smartcar_error", "Smartcar refused the request", { retryAfter: 60, smartcar });
  assert.deepEqual(await run(page, read), {
    threw: "smartcar_error",
    name: "ConnectError",
    field: undefined,
    message: "Smartcar refused the request",
    status: 429,
    retryAfter: 60,
    requestId: "req-1",
    smartcar,
  });
  for (const [status, code] of [
    [409, "other_api_version"],
    [403, "endpoint_not_allowed"],
    [504, "outcome_unknown"],
    [404, "connection_not_found"],
    [409, "reconnection_required"],
  ]) {
    lab.world.answers[`${V2}/odometer`] = problem(status, code, "no");
    assert.equal((await run(page, read)).threw, code);
  }
  for (const [answer, code] of [
    ["reset", "network_error"],
    [{ status: 200, type: "text/html", body: "<p>" }, "unexpected_response"],
    [{ status: 200, type: "application/json", body: "" }, "unexpected_response"],
    [{ status: 403, type: "text/html", body: "<p>" }, "unexpected_response"],
  ]) {
    lab.world.answers[`${V2}/odometer`] = answer;
    assert.equal((await run(page, read)).threw, code);
  }
});

test("no id and no path leads to another route of the Worker's, and bad options are refused by name", async (t) => {
  const page = await lab.page(t);
  for (const [expression, field] of [
    ...["../x", "", "a/b", "a?b", "%2e%2e", "a b", undefined].map((id) => [`vehicle(${JSON.stringify(id)}).get("/odometer")`, "id"]),
    ...["odometer", "", "/../../../connections", "/..", "/a/./b", "/a?b=1", "/a#b", "/%2e%2e/%2e%2e/x", "/a\\b", "//evil.example/../x", undefined].map((path) => [
      `vehicle("v").delete(${JSON.stringify(path)})`,
      "path",
    ]),
    ['vehicle("v", { version: "v1" }).get("/x")', "version"],
    ['vehicle("v", { unitSystem: "furlongs" }).get("/x")', "unitSystem"],
    ['vehicle("v", { units: 1 }).get("/x")', "units"],
    ['vehicle("v").get("/x", { querry: {} })', "querry"],
    ['vehicle("v").get("/x", { query: null })', "query"],
    ['vehicle("v").post("/x", 10n)', "body"],
    ['vehicle("v").post("/x", () => 1)', "body"],
    ['vehicle("v").get("/x", { edge: "https://a.example/?x" })', "edge"],
  ]) {
    const told = await run(page, `return attempt(() => connect.${expression})`);
    assert.deepEqual([told.threw, told.field], ["invalid_option", field], expression);
  }
  assert.deepEqual(lab.world.requests, []);
});

test("a page that asks about cars loads no WebAssembly, and one that does not loads nothing for it", async (t) => {
  const context = await lab.profile(t);
  const page = await context.newPage();
  const asked = [];
  page.on("request", (request) => asked.push(new URL(request.url()).pathname.split("/").at(-1)));
  await open(page, `${lab.world.app}/idle`);
  assert.ok(!asked.some((name) => ["vehicle.js", "popup.js", "session.js"].includes(name)), asked.join());
  assert.ok(!asked.includes("connect_bg.wasm"));
  lab.world.answers["/api/v2.0/vehicles/v1/odometer"] = json({ distance: 1 });
  assert.deepEqual(await run(page, `return connect.vehicle("v1").get("/odometer")`), { data: { distance: 1 } });
  assert.ok(asked.includes("vehicle.js") && !asked.includes("connect_bg.wasm"), asked.join());
});

test("a car is asked by the version of its connection, and an option that is not given takes nothing back", async (t) => {
  const page = await lab.page(t);
  lab.world.answers[`${V2}/odometer`] = json({ distance: 1 });
  await run(
    page,
    `const car = connect.vehicle("${CAR}", { version: "v2", unitSystem: "imperial" });
     await car.get("/odometer", { unitSystem: undefined, signal: undefined });`,
  );
  assert.deepEqual(lab.world.requests.map(({ headers }) => headers["sc-unit-system"]), ["imperial"]);
});

test("a command whose answer is lost may have been carried out, and a read has not", async (t) => {
  const page = await lab.page(t);
  const nowhere = `{ edge: "http://localhost:9/smartcar" }`;
  const codes = await run(
    page,
    `const car = connect.vehicle("${CAR}", ${nowhere});
     const code = (error) => error.code;
     return [await car.get("/odometer").catch(code), await car.post("/security", { action: "UNLOCK" }).catch(code)];`,
  );
  assert.deepEqual(codes, ["network_error", "outcome_unknown"]);
});

test("the signal of the car ends a wait for the token, too", async (t) => {
  const page = await lab.page(t);
  const told = await run(
    page,
    `const ending = new AbortController();
     const car = connect.vehicle("${CAR}", { signal: ending.signal, getToken: () => new Promise(() => {}) });
     setTimeout(() => ending.abort(new Error("enough")), 50);
     return car.get("/odometer").catch((error) => error.message);`,
  );
  assert.equal(told, "enough");
});
