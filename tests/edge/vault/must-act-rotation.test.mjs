// The list of the owners who have to act, while the keys that its names in KV follow from are rotated.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { newOwner } from "../harness/connections-fixture.mjs";
import { send } from "../harness/http.mjs";
import { setClock } from "../harness/instrumented.mjs";
import { mustActPrefix } from "../harness/kv-names.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { openRedeploys } from "../harness/redeploys.mjs";
import { PREFIX, SERVICE_KEY, sealingKey } from "../harness/settings.mjs";
import { HOUR } from "../harness/spans.mjs";
import { until } from "../harness/until.mjs";

const ENOUGH_RUNS = 40;
const [k1, k2] = ["k1", "k2"].map((id) => sealingKey(id));
const redeploys = await openRedeploys();
const { simulator, kv } = redeploys;
after(() => redeploys.close());

const deploy = (...keys) => redeploys.deploy(keys, { ROTATION_BATCH: "4" });
const countUnder = (key) => [...kv.store.entries().keys()].filter((name) => name.startsWith(mustActPrefix(key))).length;

function ask(query) {
  const headers = { authorization: `Bearer ${SERVICE_KEY}` };
  return send(`${redeploys.edge.at(0)}${PREFIX}/internal/connections${query}`, { headers });
}

/** The principals of the whole list, two at a time. */
async function principals(between = async () => {}) {
  const all = [];
  for (let cursor = ""; cursor !== null; ) {
    const answer = await ask(`?limit=2${cursor && `&cursor=${cursor}`}`);
    assert.equal(answer.status, 200, answer.text);
    all.push(...answer.json().principals.map(({ principal }) => principal));
    cursor = answer.json().cursor;
    await between();
  }
  return all.sort();
}

test("no owner is missing from the list while the keys are rotated, and each is there once before and after", async () => {
  await deploy(k1);
  const owners = [];
  for (let n = 0; n < 5; n += 1) owners.push(await newOwner(redeploys, { user: `owner-${n}@example.com` }));
  const body = JSON.stringify({ error: "invalid_grant", error_description: "Invalid refresh_token." });
  await simulator.fault({ endpoint: "refresh", kind: "status", status: 400, body, times: null });
  await setClock(redeploys.edge, 2 * HOUR);
  for (const { client, connection } of owners) assertProblem(await client.token(connection), { code: "reconnection_required" });
  await until("all are in the list", () => countUnder(k1) === 5);
  const all = owners.map(({ client }) => client.principal).sort();
  assert.deepEqual(await principals(), all);

  await deploy(k2, k1);
  assert.deepEqual(await principals(), all, "before the sweep");
  const sweep = async () => assert.equal((await redeploys.edge.scheduled()).outcome, "ok");
  await sweep();
  for (let runs = 0; runs < ENOUGH_RUNS && (countUnder(k1) === 5 || countUnder(k2) === 5); runs += 1) await sweep();
  assert.ok(countUnder(k1) > 0 && countUnder(k2) > 0, "some are under each key");
  assert.deepEqual(await principals(), all, "in the middle of it");
  // The sweep goes on between the pages: who is moved meanwhile may come twice.
  assert.deepEqual([...new Set(await principals(sweep))], all);
  const { cursor } = (await ask("?limit=2")).json();
  for (let runs = 0; runs < ENOUGH_RUNS && !(await redeploys.report()).rotation.complete; runs += 1) await sweep();
  assert.deepEqual([countUnder(k1), countUnder(k2)], [0, 5]);
  assert.deepEqual(await principals(), all, "after it");

  await deploy(k2);
  assert.deepEqual(await principals(), all, "without the retired key");
  assert.ok(cursor);
  const forgotten = Buffer.from("k1/").toString("base64url");
  const answer = await ask(`?cursor=${forgotten}`);
  assert.equal(answer.json().field, "cursor", answer.text);
});
