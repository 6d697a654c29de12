// Nobody reaches another one's connections, by id, cookie or isolate.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, test } from "node:test";

import { assertProblem } from "./harness/problem.mjs";
import { sealingKey } from "./harness/settings.mjs";
import { openWorld } from "./harness/world.mjs";

const world = await openWorld({
  isolates: 4,
  variants: (values) => [{ name: "other-keys", bindings: { ...values, SEALING_KEYS: sealingKey("k1") } }],
});
after(() => world.close());

async function owner(user) {
  const visitor = world.visitor();
  const { answer } = await world.connect(visitor, { user });
  assert.equal(answer.json().kind, "connected", answer.text);
  return { visitor, connection: answer.json().connection };
}

const anna = await owner("anna@example.com");
const ben = await owner("ben@example.com");

test("each sees the own connection, from every isolate", async () => {
  for (let isolate = 0; isolate < world.edge.isolates; isolate += 1) {
    assert.deepEqual(await anna.visitor.connections({ isolate }), [anna.connection]);
    assert.deepEqual(await ben.visitor.connections({ isolate }), [ben.connection]);
    const { vehicles } = (await ben.visitor.get("/vehicles", { isolate })).json();
    assert.ok(vehicles.length > 0);
    for (const { connectionId } of vehicles) assert.equal(connectionId, ben.connection.id);
  }
  assert.notEqual(anna.connection.id, ben.connection.id);
});

test("another one's connection is not there, exactly as one that never was", async () => {
  const theirs = await ben.visitor.get(`/connections/${anna.connection.id}`);
  const nobodys = await ben.visitor.get(`/connections/${randomBytes(16).toString("base64url")}`);
  const shape = (answer) => ({ ...assertProblem(answer, { status: 404 }), requestId: undefined });
  assert.equal(shape(theirs).code, "connection_not_found");
  assert.deepEqual(shape(theirs), shape(nobodys));
  assert.equal((await anna.visitor.get(`/connections/${anna.connection.id}`)).status, 200);
});

test("a cookie that was tampered with is no session", async () => {
  const { cookie } = anna.visitor;
  for (let position = 0; position < cookie.length; position += Math.ceil(cookie.length / 24)) {
    const visitor = world.visitor();
    const other = cookie[position] === "A" ? "B" : "A";
    visitor.cookie = `${cookie.slice(0, position)}${other}${cookie.slice(position + 1)}`;
    assert.deepEqual(await visitor.connections(), [], `position ${position}`);
  }
  for (const forged of [cookie.slice(0, -1), `${cookie}A`, cookie.slice(1), cookie + cookie, ""]) {
    const visitor = world.visitor();
    visitor.cookie = forged;
    assert.deepEqual(await visitor.connections(), []);
  }
});

test("two session cookies at once are not the first one's session by chance", async () => {
  const visitor = world.visitor();
  const both = [ben.visitor.cookie, anna.visitor.cookie].map((cookie) => `__Host-smartcar-connect=${cookie}`).join("; ");
  const seen = (await visitor.get("/connections", { headers: { cookie: both } })).json().connections;
  assert.ok(seen.every(({ id }) => id === ben.connection.id), "a later cookie won");
});

test("a session of another key ring is no session, and a new one is given", async () => {
  const visitor = world.visitor();
  visitor.cookie = anna.visitor.cookie;
  assert.deepEqual(await visitor.connections({ isolate: "other-keys" }), []);
  const answer = await visitor.start({ isolate: "other-keys" });
  assert.equal(answer.setCookie.length, 1);
  assert.notEqual(visitor.cookie, anna.visitor.cookie);
});

test("a forged session cannot be fixed upon a visitor: a start answers with a session of its own", async () => {
  const visitor = world.visitor();
  visitor.cookie = "attacker-chosen";
  const answer = await visitor.start();
  assert.equal(answer.setCookie.length, 1);
  assert.notEqual(visitor.cookie, "attacker-chosen");
});
