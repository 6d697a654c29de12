// Two hundred grants of v2 are moved to v3 while Smartcar fails, limits and goes silent, and vaults are killed: at the end every
// one is moved or reported with a reason, none is lost, and none was refreshed after it was moved.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { kill, killAtWrite, setClock } from "../harness/instrumented.mjs";
import { openMigration } from "../harness/migration.mjs";
import { HOUR } from "../harness/spans.mjs";
import { until } from "../harness/until.mjs";

const GRANTS = 200;
/** The grants of the last ones are over before. */
const OVER = 3;
const AT_ONCE = 10;

const migration = await openMigration();
const { simulator, kv } = migration;
after(() => migration.close());

const cars = (await simulator.configure({})).vehicles.map(({ id }) => id);
let offset = 0;
async function travel(ms) {
  offset += ms;
  await setClock(migration.edge, offset);
  await simulator.advance(ms);
  kv.store.advance(ms);
}

const range = (count) => Array.from({ length: count }, (_, n) => n);

/** Owners who have connected with v2, one car each, as Smartcar knows them. */
async function connectAll() {
  const owners = [];
  while (owners.length < GRANTS) {
    const batch = range(AT_ONCE).map(async (n) => {
      const [client, number] = [migration.client(), owners.length + n];
      const user = `owner-${number}@example.com`;
      const connection = await client.connected(simulator, { user, vehicles: [cars[number % cars.length]] });
      return { client, connection };
    });
    owners.push(...(await Promise.all(batch)));
  }
  return owners;
}

/** Which refresh tokens were presented, in order. */
async function presented() {
  const requests = (await simulator.tokenRequests()).filter(({ endpoint }) => endpoint === "refresh");
  return requests.map(({ form }) => new Map(form).get("refresh_token"));
}

/** The names of the indexes are all there: one for each owner. */
const namesOfOwners = () => [...kv.store.entries().keys()].filter((name) => name.split("/").length === 2).length;

test("200 grants with faults in the middle: each is moved or reported with a reason, and none is refreshed afterwards", async () => {
  await migration.deploy(null);
  const owners = await connectAll();
  // A grant, an index and a look-up by external id of each.
  await until("KV has everything", () => namesOfOwners() >= 3 * GRANTS);
  await simulator.configure({ v3: { bucketSize: 60, bucketRefillPerMinute: 6 } });

  await migration.deploy("move");
  await travel(3 * HOUR);
  for (const owner of owners) owner.client = migration.returning(owner.client);
  const over = owners.slice(-OVER);
  const dead = JSON.stringify({ error: "invalid_grant" });
  for (const { client, connection } of over) {
    await simulator.fault({ endpoint: "refresh", kind: "status", status: 400, body: dead });
    assert.equal((await client.token(connection)).json().code, "reconnection_required");
  }

  const vaults = await migration.edge.vaultIds();
  let kills = 0;
  const killing = (work) => () => {
    kills += 1;
    return work();
  };
  const faults = [
    () => simulator.fault({ endpoint: "v3_connections", kind: "status", status: 503, body: "", times: 3 }),
    () => simulator.fault({ endpoint: "v3_connections", kind: "reset_after", times: 2 }),
    () => simulator.fault({ endpoint: "v3_connections", kind: "truncated", how: "json", times: 1 }),
    () => simulator.fault({ endpoint: "v3_connections", kind: "garbage", times: 1 }),
    () => simulator.fault({ endpoint: "application_token", kind: "reset_after", times: 2 }),
    () => simulator.revokeApplicationTokens(),
    () => simulator.fault({ endpoint: "refresh", kind: "status", status: 503, body: "", times: 2 }),
    killing(() => killAtWrite(migration.edge, "before")),
    killing(() => killAtWrite(migration.edge, "after")),
    killing(() => kill(migration.edge, vaults[pages % vaults.length])),
    () => {
      kv.store.refusals = 2;
    },
    () => {
      kv.store.losses = 2;
    },
  ];
  let pages = 0;
  const waits = [];
  /** Owners go on using their cars, of which some tokens have to be refreshed meanwhile. */
  const asking = [];
  async function onPage() {
    await faults[pages % faults.length]();
    const { client, connection } = owners[(pages * 7) % (GRANTS - OVER)];
    asking.push(client.token(connection, { byPlatform: true }).catch(() => {}));
    pages += 1;
  }
  async function wait(seconds) {
    waits.push(seconds);
    await travel(Math.max(seconds, 20) * 1_000);
  }
  // With the faults, and then one without: what was left is made up for.
  const first = await migration.pass("POST", { limit: 10, onPage, wait });
  assert.ok(pages > 50 && waits.length > 0, `${pages} pages, ${waits.length} waits`);
  await Promise.all(asking);
  await simulator.clearFaults();
  kv.store.reset();
  // What was planned and did not come.
  await killAtWrite(migration.edge, "before", { vault: "none" });
  const afterFaults = first.counts;
  assert.ok(afterFaults.moved > 100, JSON.stringify(afterFaults));
  assert.ok(afterFaults.moved < GRANTS - OVER, "the faults have hit");

  const stillThere = await migration.pass("GET", { limit: 100 });
  const isMoved = new Set(stillThere.connections.filter(({ state }) => state === "moved").map(({ id }) => id));
  await simulator.configure({ v3: { bucketSize: 100_000 } });
  let last = await migration.pass("POST", { limit: 100, wait });
  for (let passes = 0; last.counts.waiting + last.counts.unanswered > 0 && passes < 10; passes += 1) {
    await travel(60_000);
    last = await migration.pass("POST", { limit: 100, wait });
  }
  const { moved, waiting, cannot, unanswered } = last.counts;
  assert.deepEqual({ moved, waiting, cannot, unanswered }, { moved: GRANTS - OVER, waiting: 0, cannot: OVER, unanswered: 0 });
  assert.deepEqual(last.counts.reasons, [{ reason: "ended", count: OVER }]);

  // Each is reported, once, under the id that its owner knows; nothing that was moved has gone back.
  const reported = new Map(last.connections.map((one) => [one.id, one]));
  assert.equal(last.connections.length, GRANTS);
  assert.deepEqual([...reported.keys()].sort(), owners.map(({ connection }) => connection.id).sort());
  for (const id of isMoved) assert.equal(reported.get(id).state, "moved");
  for (const { connection } of over) assert.deepEqual(reported.get(connection.id).reason, "ended");

  // Nothing is refreshed any more, whoever asks and whatever time passes.
  const before = (await presented()).length;
  await travel(40 * 24 * HOUR);
  for (const { client, connection } of owners.slice(0, 40)) {
    const answer = await client.token(connection);
    // The tokens of v2 are handed out no more, and the application's own never is.
    assert.ok(answer.status >= 400 && answer.status < 500, answer.text);
  }
  assert.equal((await presented()).length, before);

  // None is lost: Smartcar lists the car of each, and its owner sees it.
  for (const { client, connection } of owners.slice(0, -OVER)) {
    const [one] = await client.connections();
    assert.deepEqual([one.id, one.status], [connection.id, "active"]);
    assert.deepEqual(one.vehicles, connection.vehicles);
  }

  // Nor were the tokens used that are kept: each goes back with them, but for those whose last refresh a kill has lost before.
  await migration.deploy("reverse");
  await setClock(migration.edge, offset);
  const back = await migration.pass("POST", { limit: 100, wait });
  const gone = back.counts.reasons.find(({ reason }) => reason === "tokens_gone")?.count ?? 0;
  assert.ok(gone <= kills, JSON.stringify(back.counts));
  assert.equal(back.counts.onV2 + gone, GRANTS - OVER, JSON.stringify(back.counts));
});
