// Several deployments on one host share its cookies: each finds its own session among them.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { Client } from "../harness/client.mjs";
import { openEnv } from "../harness/env.mjs";
import { sealingKey } from "../harness/settings.mjs";

const OTHER_PREFIX = "/cars";
const here = await openEnv({
  variants: (values) => [
    { name: "other-prefix", bindings: { ...values, PATH_PREFIX: OTHER_PREFIX, SEALING_KEYS: sealingKey("k1") } },
  ],
});
const there = await openEnv();
after(() => Promise.all([here.close(), there.close()]));

const deployments = [
  { env: here, client: here.client() },
  { env: here, client: new Client(here.edge, here.page, [], OTHER_PREFIX), isolate: "other-prefix" },
  { env: there, client: there.client() },
];

/** The host's jar of cookies, as the browser sends it to every port and path. */
function jar() {
  const kept = deployments.filter(({ client }) => client.cookie);
  return kept.map(({ client }) => `${client.cookieName}=${client.cookie}`).join("; ");
}

test("deployments at two prefixes and two ports of one host keep their sessions", async () => {
  assert.equal(new Set(deployments.map(({ client }) => client.cookieName)).size, deployments.length);
  for (const deployment of deployments) {
    const { env, client, isolate } = deployment;
    const { state } = await client.start({ isolate });
    assert.ok(client.cookie, "the deployment has set no cookie of its own");
    const code = await env.consent();
    const finished = await client.finish({ code, state }, { isolate, headers: { cookie: jar() } });
    deployment.id = finished.json().connection?.id;
    assert.ok(deployment.id, finished.text);
  }
  for (const { client, isolate, id } of deployments) {
    const { connections } = (await client.get("/connections", { isolate, headers: { cookie: jar() } })).json();
    assert.deepEqual(connections.map((connection) => connection.id), [id]);
  }
});

test("a deployment that ends its session leaves the others'", async () => {
  const [first, ...others] = deployments;
  const before = others.map(({ client }) => client.cookie);
  await first.client.delete("/connections", { headers: { cookie: jar() } });
  assert.equal(first.client.cookie, undefined);
  assert.deepEqual(others.map(({ client }) => client.cookie), before);
  for (const { client, isolate, id } of others) {
    const { connections } = (await client.get("/connections", { isolate, headers: { cookie: jar() } })).json();
    assert.deepEqual(connections.map((connection) => connection.id), [id]);
  }
});

test("the name outlasts the sealing key", async () => {
  const rotated = await openEnv({
    adjust: (values) => ({ ...values, SEALING_KEYS: `${sealingKey("k2")},${values.SEALING_KEYS}` }),
  });
  try {
    const client = rotated.client();
    assert.equal((await client.start()).status, 200);
    assert.ok(client.cookie.startsWith("v1.k2."), "the cookie has another name");
  } finally {
    await rotated.close();
  }
});
