// Sessions: nobody reaches another one's connections, by id, cookie or isolate.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, test } from "node:test";

import { openConnections } from "../harness/connections-fixture.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { sealingKey } from "../harness/settings.mjs";

const fixture = await openConnections({
  isolates: 4,
  variants: (values) => [{ name: "other-keys", bindings: { ...values, SEALING_KEYS: sealingKey("k1") } }],
});
const { env } = fixture;
after(() => fixture.close());

const anna = await fixture.owner({ user: "anna@example.com" });
const ben = await fixture.owner({ user: "ben@example.com" });

test("each owner sees the own connection, from every isolate", async () => {
  for (let isolate = 0; isolate < env.edge.isolates; isolate += 1) {
    assert.deepEqual(await anna.client.connections({ isolate }), [anna.connection]);
    assert.deepEqual(await ben.client.connections({ isolate }), [ben.connection]);
    const { vehicles } = (await ben.client.get("/vehicles", { isolate })).json();
    assert.ok(vehicles.length > 0);
    for (const { connectionId } of vehicles) assert.equal(connectionId, ben.connection.id);
  }
  assert.notEqual(anna.connection.id, ben.connection.id);
});

test("another owner's connection is not found, exactly as one that never was", async () => {
  const theirs = await ben.client.get(`/connections/${anna.connection.id}`);
  const nobodys = await ben.client.get(`/connections/${randomBytes(16).toString("base64url")}`);
  const shape = (answer) => ({ ...assertProblem(answer, { status: 404 }), requestId: undefined });
  assert.equal(shape(theirs).code, "connection_not_found");
  assert.deepEqual(shape(theirs), shape(nobodys));
  assert.equal((await anna.client.get(`/connections/${anna.connection.id}`)).status, 200);
});

test("a cookie that was tampered with is no session", async () => {
  const { cookie } = anna.client;
  for (let position = 0; position < cookie.length; position += Math.ceil(cookie.length / 24)) {
    const client = env.client();
    const other = cookie[position] === "A" ? "B" : "A";
    client.cookie = `${cookie.slice(0, position)}${other}${cookie.slice(position + 1)}`;
    assert.deepEqual(await client.connections(), [], `position ${position}`);
  }
  for (const forged of [cookie.slice(0, -1), `${cookie}A`, cookie.slice(1), cookie + cookie, ""]) {
    const client = env.client();
    client.cookie = forged;
    assert.deepEqual(await client.connections(), []);
  }
});

test("two session cookies at once are not the first one's session by chance", async () => {
  const client = env.client();
  const both = [ben.client.cookie, anna.client.cookie].map((cookie) => `${client.cookieName}=${cookie}`).join("; ");
  const seen = (await client.get("/connections", { headers: { cookie: both } })).json().connections;
  assert.ok(seen.every(({ id }) => id === ben.connection.id), "a later cookie won");
});

test("a session of another key ring is no session, and a new one is given", async () => {
  const client = env.client();
  client.cookie = anna.client.cookie;
  assert.deepEqual(await client.connections({ isolate: "other-keys" }), []);
  const answer = await client.start({ isolate: "other-keys" });
  assert.equal(answer.setCookie.length, 1);
  assert.notEqual(client.cookie, anna.client.cookie);
});

test("deleting everything ends the session: the browser forgets it, and a copy of its cookie shows nothing", async () => {
  const client = env.client();
  await env.connected(client);
  const { cookie } = client;
  const answer = await client.delete("/connections");
  assert.equal(answer.status, 204);
  assert.deepEqual(answer.setCookie, [`${client.cookieName}=; Path=/; HttpOnly; Secure; SameSite=Strict; Max-Age=0`]);
  assert.equal(client.cookie, undefined);

  const copy = env.client();
  copy.cookie = cookie;
  assert.deepEqual(await copy.connections(), []);
  assert.deepEqual((await copy.get("/vehicles")).json(), { vehicles: [] });
  // What the same browser connects from now on is another session's.
  const again = await env.connected(client);
  assert.notEqual(client.cookie, cookie);
  assert.deepEqual(await client.connectionIds(), [again.id]);
  assert.deepEqual(await copy.connections(), []);
  assertProblem(await copy.get(`/connections/${again.id}`), { status: 404 });
});

test("a deletion without a session ends none", async () => {
  const answer = await env.client().delete("/connections");
  assert.deepEqual([answer.status, answer.setCookie], [204, []]);
});

test("a forged session cannot be fixed upon a visitor: a start answers with a session of its own", async () => {
  const client = env.client();
  client.cookie = "attacker-chosen";
  const answer = await client.start();
  assert.equal(answer.setCookie.length, 1);
  assert.notEqual(client.cookie, "attacker-chosen");
});
