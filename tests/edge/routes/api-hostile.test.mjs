// What hostile requests to Smartcar's paths come to: nothing but a known request ever reaches Smartcar.
import assert from "node:assert/strict";
import net from "node:net";
import { after, beforeEach, test } from "node:test";

import { SCOPES, askedOf, carOf } from "../harness/api.mjs";
import { openConnections } from "../harness/connections-fixture.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { PREFIX } from "../harness/settings.mjs";

const fixture = await openConnections();
const { env, edge, simulator, carIds } = fixture;
after(() => fixture.close());
beforeEach(() => fixture.reset());

async function driver() {
  const { client } = await fixture.owner({ vehicles: [carIds[0]], scopes: SCOPES });
  return { client, car: carOf(client, carIds[0]) };
}

/** Sends a request line as it is, and reads the status of the answer. */
function sendLine(client, line, headers = {}) {
  const { hostname, port } = new URL(edge.at(0));
  const all = { host: new URL(env.page).host, cookie: `${client.cookieName}=${client.cookie}`, connection: "close", ...client.guards, ...headers };
  const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return new Promise((resolve, reject) => {
    const socket = net.connect(Number(port), hostname, () => socket.write(`${line} HTTP/1.1\r\n${head.join("")}\r\n`));
    let answer = "";
    socket.on("data", (chunk) => (answer += chunk));
    socket.on("error", reject);
    socket.on("end", () => resolve(Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1])));
  });
}

test("no path leads Smartcar anywhere but to the endpoint that was meant", async () => {
  const { client, car } = await driver();
  const root = `${PREFIX}/api`;
  const own = `${root}/v2.0/vehicles/${car.id}`;
  for (const path of [
    `${own}/../${carIds[1]}/odometer`,
    `${own}/%2e%2e/${carIds[1]}/odometer`,
    `${own}/..%2f${carIds[1]}/odometer`,
    `${own}%2fodometer`,
    `${own}/%6fdometer`,
    `${own}//odometer`,
    `${own}/odometer/`,
    `${own}/odometer%00`,
    `${own}/odometer%0d%0aHost:%20evil.example`,
    `${own}/odometer;x=y`,
    `${own}\\odometer\\`,
    `${own}/odometer/../application`,
    `${own}/TESLA/climate/cabin`,
    `${own}/%7Bmake%7D/climate/cabin`,
    `${own}/application`,
    `${own}/webhooks/x`,
    `${root}/v2.0/vehicles/https:%2f%2fevil.example/odometer`,
    `${root}/v2.0/vehicles/@evil.example/odometer`,
    `${root}/v2.0/../v1.0/vehicles/${car.id}/odometer`,
    `${root}/v2.0/management/connections`,
    `${root}/v2.0/compatibility`,
    `${root}//evil.example/v2.0/vehicles/${car.id}/odometer`,
    `//evil.example${own}/odometer`,
    `http://evil.example${own}/application`,
    `${own}/odometer?access_token=x`,
    `${own}/odometer?path=/../application`,
    `${own}/permissions?limit=1&limit=2`,
    `${own}/permissions?limit=1%26offset=2`,
    `${own}/permissions?limit=1%0d%0ax:y`,
  ]) {
    const status = await sendLine(client, `GET ${path}`);
    assert.ok([400, 403, 404].includes(status), `${path}: ${status}`);
  }
  assert.deepEqual(await askedOf(simulator), []);
});

test("an absolute address with another host is answered for this Worker alone", async () => {
  const { client, car } = await driver();
  const status = await sendLine(client, `GET http://evil.example${PREFIX}/api/v2.0/vehicles/${car.id}/odometer`);
  const asked = await askedOf(simulator);
  for (const { headers, path } of asked) {
    assert.equal(headers.host, new URL(simulator.origin).host);
    assert.equal(path, `/v2.0/vehicles/${car.id}/odometer`);
  }
  assert.ok(status === 200 || asked.length === 0, `${status}`);
});

test("of the caller's headers the unit system alone reaches Smartcar", async () => {
  const { car } = await driver();
  const smuggled = {
    "x-forwarded-for": "203.0.113.9",
    "x-forwarded-host": "evil.example",
    "x-real-ip": "203.0.113.9",
    forwarded: "for=203.0.113.9;host=evil.example",
    "true-client-ip": "203.0.113.9",
    "x-http-method-override": "DELETE",
    "x-original-url": "/v2.0/user",
    te: "trailers",
    "proxy-authorization": "Basic eDp5",
    authorization: "Bearer smuggled",
    "sc-user-id": "somebody-else",
    "user-agent": "smuggled/1.0",
    "accept-language": "tlh",
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "sc-unit-system": "imperial",
  };
  assert.equal((await car.read("/odometer", { headers: smuggled })).status, 200);
  assert.equal((await car.command("/security", { action: "LOCK" }, { headers: smuggled })).status, 200);
  const [read, command] = await askedOf(simulator);
  // What the platform adds by itself: the length of a body, the encodings that it takes, and the name of the Worker's zone.
  const plain = ({ headers }) => Object.keys(headers).filter((name) => !["accept-encoding", "content-length", "cf-worker"].includes(name)).sort();
  assert.deepEqual(plain(read), ["accept", "authorization", "host", "sc-unit-system", "user-agent"]);
  assert.deepEqual(plain(command), ["accept", "authorization", "content-type", "host", "sc-unit-system", "user-agent"]);
  for (const { headers } of [read, command]) {
    assert.equal(headers.host, new URL(simulator.origin).host);
    assert.doesNotMatch(JSON.stringify(headers), /smuggled|evil|203\.0\.113/);
    assert.notEqual(headers.authorization, "Bearer smuggled");
  }
});

test("of Smartcar's headers nothing but four plain ones comes back", async () => {
  const { car } = await driver();
  const headers = {
    "set-cookie": "__Host-smartcar-connect=x; Path=/; Secure",
    location: "https://evil.example/",
    "access-control-allow-origin": "*",
    "content-security-policy": "default-src *",
    "clear-site-data": '"cookies"',
    refresh: "0;url=https://evil.example/",
    "sc-request-id": "a b; set-cookie=x",
    "sc-data-age": "2026-11-28T23:00:00.000Z",
    "sc-something": "new",
    "x-request-id": "smartcars",
    "cache-control": "public, max-age=600",
  };
  await simulator.fault({ endpoint: "odometer", kind: "status", status: 200, body: { distance: 1 }, headers });
  const answer = await car.read("/odometer");
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.headers["sc-data-age"], headers["sc-data-age"]);
  assert.equal(answer.headers["cache-control"], "no-store");
  assert.equal(answer.headers["content-security-policy"], "default-src 'none'; frame-ancestors 'none'");
  assert.notEqual(answer.headers["x-request-id"], "smartcars");
  for (const name of ["set-cookie", "location", "access-control-allow-origin", "clear-site-data", "refresh", "sc-request-id", "sc-something"]) {
    assert.equal(answer.headers[name], undefined, name);
  }
});

test("a batch reads known paths and nothing else", async () => {
  const { client, car } = await driver();
  for (const path of ["/application", "/../x/odometer", "/odometer?x", "//evil.example", "/TESLA/climate/cabin", "/navigation/destination", "/batch", "odometer", "", "/%6fdometer", "https://evil.example/"]) {
    assertProblem(await car.batch(["/odometer", path]), { code: "invalid_body", field: "requests[1].path" });
  }
  for (const body of [
    '{"requests":[{"path":"/odometer","method":"DELETE"}]}',
    '{"requests":[{"path":"/odometer","path":"/application"}]}',
    '{"requests":[{"path":"/odometer"}],"requests":[{"path":"/application"}]}',
    '[{"path":"/odometer"}]',
    '{"requests":[{"path":"/odometer"}]}{"requests":[]}',
    '{"requests":[]}',
  ]) {
    assertProblem(await client.request("POST", car.path("/batch"), { headers: client.guards, body }), { code: "invalid_body" });
  }
  const many = Array.from({ length: 51 }, () => "/odometer");
  assertProblem(await car.batch(many), { code: "invalid_body", field: "requests" });
  const long = { action: "LOCK", padding: "x".repeat(16 * 1024) };
  assertProblem(await car.command("/security", long), { code: "body_too_large" });
  assertProblem(await car.command("/security", { action: "LOCK" }, { headers: { "content-type": "text/plain" } }), { code: "unsupported_media_type" });
  assert.deepEqual(await askedOf(simulator), []);
});

test("no page elsewhere causes a read, a batch or a command", async () => {
  const { client, car } = await driver();
  const cross = { origin: "https://evil.example", "sec-fetch-site": "cross-site" };
  assertProblem(await car.read("/odometer", { headers: { ...cross, "x-requested-with": undefined } }), { code: "header_missing" });
  assertProblem(await car.read("/odometer", { headers: { "x-requested-with": undefined, "sec-fetch-site": undefined } }), { code: "header_missing" });
  for (const ask of [(options) => car.command("/security", { action: "UNLOCK" }, options), (options) => car.batch(["/location"], options), (options) => client.delete(car.path("/tesla/pin"), options)]) {
    assertProblem(await ask({ headers: cross }), { code: "origin_not_allowed" });
    assertProblem(await ask({ headers: { "x-requested-with": undefined } }), { code: "header_missing" });
  }
  assert.deepEqual(await askedOf(simulator), []);
});

test("a page of an allowed origin may send and read what it needs", async () => {
  const { client, car } = await driver();
  const below = car.path("/ford/charge/schedule_by_location");
  const preflight = await client.request("OPTIONS", below, { headers: { origin: env.page, "access-control-request-method": "PUT" } });
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers["access-control-allow-methods"], "GET, PUT");
  assert.ok(preflight.headers["access-control-allow-headers"].split(", ").includes("sc-unit-system"));
  const answer = await car.read("/odometer", { headers: { origin: env.page } });
  const exposed = answer.headers["access-control-expose-headers"].split(", ");
  for (const name of ["sc-request-id", "sc-data-age", "sc-fetched-at", "sc-unit-system", "retry-after"]) assert.ok(exposed.includes(name), name);
});
