// Owners of both versions of Smartcar's API in one deployment: no request of one carries the token of the other.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { askedOf, carOf, carOfV3 } from "../harness/api.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { openRedeploys } from "../harness/redeploys.mjs";
import { sealingKey } from "../harness/settings.mjs";
import { V3, connectedByV3 } from "../harness/v3.mjs";

const worker = await openRedeploys();
after(() => worker.close());
const { simulator } = worker;
const key = sealingKey("k1");
const SCOPES = ["read_vehicle_info", "read_vin", "read_odometer", "read_security", "control_security"];
const { vehicles } = await simulator.configure({ v3: { bucketSize: 100_000 } });
const carIds = vehicles.map(({ id }) => id);
const half = Math.floor(carIds.length / 2);

/** Everything that a page asks about a car, by each version at its own paths. */
const OF_V2 = (car) => [() => car.read("/odometer"), () => car.read(""), () => car.command("/security", { action: "LOCK" }), () => car.batch(["/vin"])];
const OF_V3 = (car) => [() => car.signal("odometer-traveleddistance"), () => car.read("/signals"), () => car.read(""), () => car.command("/commands/security/lock")];

test("no request of one version carries the token of the other", async () => {
  // The first owners came while the deployment made connections of v2; it has gone over to v3 since.
  await worker.deploy([key], { SMARTCAR_API_VERSION: "v2" });
  const owners = [];
  for (const id of carIds.slice(0, half)) {
    const client = worker.client();
    await worker.connected(client, { vehicles: [id], scopes: SCOPES, user: `${id}@example.com` });
    owners.push({ version: "v2", id, client });
  }
  await worker.deploy([key], V3);
  for (const owner of owners) owner.client = worker.returning(owner.client);
  for (const id of carIds.slice(half)) {
    const client = worker.client();
    const { userId } = await connectedByV3(worker, client, { vehicles: [id], scopes: SCOPES });
    owners.push({ version: "v3", id, client, userId });
  }
  assert.ok(owners.some(({ version }) => version === "v2") && owners.some(({ version }) => version === "v3"));

  // All at once: what one learns in the same isolate is of no use to another.
  const asked = owners.map(async ({ version, id, client }) => {
    const [own, others] = version === "v2" ? [OF_V2(carOf(client, id)), OF_V3(carOfV3(client, id))] : [OF_V3(carOfV3(client, id)), OF_V2(carOf(client, id))];
    // No caller may have more than six under way.
    const [mine, theirs] = [own, others].map((all) => all.slice(0, 2).map((ask) => ask()));
    for (const answer of await Promise.all(mine)) assert.equal(answer.status, 200, answer.text);
    await Promise.all(theirs);
    for (const ask of own.slice(2)) assert.equal((await ask()).status, 200);
    for (const ask of others) {
      const { detail } = assertProblem(await ask(), { status: 409, code: "other_api_version" });
      assert.match(detail, version === "v2" ? /`\/api\/v2\.0\// : /`\/api\/v3\//);
    }
  });
  await Promise.all(asked);
  for (const { client } of owners) assert.equal((await client.get("/vehicles")).status, 200);

  const { applicationTokens, ...tokens } = await simulator.tokens();
  const text = (value) => JSON.stringify(value);
  const heard = await simulator.requests();
  const bearer = ({ headers }) => headers.authorization?.replace(/^Bearer /, "");
  const ofCars = await askedOf(simulator);
  for (const { version, id, userId } of owners) {
    const own = ofCars.filter(({ path }) => path.includes(`/vehicles/${id}`));
    assert.ok(own.length >= 4, `${version} ${own.length}`);
    for (const { path } of own) assert.equal(path.startsWith("/v3/") ? "v3" : "v2", version, path);
    if (version === "v3") for (const { headers } of own) assert.equal(headers["sc-user-id"], userId);
  }
  for (const request of heard.filter(({ path }) => /^\/v(2\.0|3)\//.test(path))) {
    const token = bearer(request);
    assert.ok(token, request.path);
    const isApplications = text(applicationTokens).includes(token);
    assert.equal(isApplications, request.path.startsWith("/v3/"), request.path);
    assert.equal(text(tokens).includes(token), !isApplications, request.path);
    if (!isApplications) assert.equal(request.headers["sc-user-id"], undefined);
    assert.ok(request.status < 400, `${request.path}: ${request.status}`);
  }
});
