// `POST /webhooks`: whose request counts, what is answered, and what is refused.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { openEnv } from "../harness/env.mjs";
import { send } from "../harness/http.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { PREFIX } from "../harness/settings.mjs";
import { event, post, sign, TOKEN } from "../harness/webhooks.mjs";

const OTHER = "77a1f9d0-2ff0-4a0c-9b1e-6f6c0b1c9c22";
const env = await openEnv({
  adjust: (values) => ({ ...values, SMARTCAR_MANAGEMENT_TOKEN: TOKEN }),
  variants: (values) => [
    { name: "off", bindings: { ...values, SMARTCAR_MANAGEMENT_TOKEN: "" } },
    { name: "changing", bindings: { ...values, SMARTCAR_MANAGEMENT_TOKEN: `${OTHER},${TOKEN}` } },
  ],
});
const { edge } = env;
after(() => env.close());

const state = () => event({ userId: "u1", vehicleId: "v1" });
const verify = (challenge) => ({ eventType: "VERIFY", data: { challenge }, meta: { version: "4.0" } });

test("an event that Smartcar has signed is acknowledged, and leaves no cookie", async () => {
  const answer = await post(edge, state());
  assert.deepEqual([answer.status, answer.text, answer.setCookie], [200, "{}", []]);
});

test("nothing is received unless it is switched on", async () => {
  for (const body of [state(), verify("challenge")]) assertProblem(await post(edge, body, { isolate: "off" }), { status: 404 });
});

test("what is forged, cut short, changed or written anew is refused", async () => {
  const body = JSON.stringify(state());
  const good = sign(body);
  for (const [what, sent, signature] of [
    ["not signed", body, null],
    ["signed by another", body, sign(body, OTHER)],
    ["of another body", body, sign(`${body} `)],
    ["cut short", body.slice(0, -1), good],
    ["written anew", JSON.stringify(JSON.parse(body), null, 2), good],
    ["not hexadecimal", body, "z".repeat(64)],
    ["too short", body, good.slice(2)],
    ["twice", body, `${good}, ${good}`],
    ["of its key", body, sign(TOKEN, body)],
  ]) {
    const answer = await post(edge, sent, { signature });
    assertProblem(answer, { status: 401, code: "signature_rejected" });
    assert.ok(answer.headers["www-authenticate"], what);
  }
});

test("a challenge is answered in both its places, by the first token, and by no other credential", async () => {
  const v2 = { version: "2.0", webhookId: "w", eventName: "verify", payload: { challenge: "challenge" } };
  for (const body of [verify("challenge"), v2]) {
    const answer = await post(edge, body, { signature: null });
    assert.deepEqual([answer.status, answer.json()], [200, { challenge: sign("challenge") }]);
    const changing = await post(edge, body, { signature: null, isolate: "changing" });
    assert.deepEqual(changing.json(), { challenge: sign("challenge", OTHER) });
  }
});

test("no challenge has an event signed", async () => {
  const forged = JSON.stringify(state());
  for (const challenge of [forged, ` ${forged}`, "{}", "[]", '"a"', "a".repeat(129), "a b", "é", "", 7, null, { a: 1 }]) {
    const answer = await post(edge, verify(challenge), { signature: null });
    assertProblem(answer, { status: 400, code: "invalid_body" });
    assert.ok(!answer.text.includes(sign(String(challenge))));
  }
});

test("during a change of the token events signed with either count", async () => {
  for (const token of [TOKEN, OTHER]) {
    assert.equal((await post(edge, state(), { token, isolate: "changing" })).status, 200);
  }
});

test("whatever is signed is answered, and no body ends in a defect", async () => {
  const deep = `{"eventType":"VEHICLE_ERROR","data":${"[".repeat(20_000)}${"]".repeat(20_000)}}`;
  for (const [body, status] of [
    ["", 400],
    ["not JSON", 400],
    ["[]", 400],
    [Buffer.from('{"eventId":"\xff"}', "latin1"), 400],
    ['{"eventType":"VEHICLE_STATE","eventType":"VEHICLE_ERROR"}', 200],
    ['{"eventType":"SOMETHING_NEW","data":7,"meta":[]}', 200],
    ["{}", 200],
    [deep, 200],
    [`{"a":"${"x".repeat(60_000)}"}`, 200],
    [`{"a":"${"x".repeat(64 * 1024)}"}`, 413],
  ]) {
    const answer = await post(edge, body);
    assert.equal(answer.status, status, `${String(body).slice(0, 60)}: ${answer.text}`);
  }
  const chunked = { method: "POST", chunked: true, body: "x".repeat(70_000) };
  assert.equal((await send(`${edge.at(0)}${PREFIX}/webhooks`, chunked)).status, 413);
  assert.doesNotMatch(await env.log(), /panic|Critical|Reinitializing/i);
});

test("a page elsewhere, a cookie and a service key change nothing", async () => {
  const headers = { origin: "https://evil.example", "sec-fetch-site": "cross-site", authorization: "Bearer x", cookie: "a=b" };
  assert.equal((await post(edge, state(), { headers })).status, 200);
  assertProblem(await post(edge, state(), { headers, signature: null }), { status: 401, code: "signature_rejected" });
  assert.equal((await send(`${edge.at(0)}${PREFIX}/webhooks`)).status, 405);
});

test("no token and no signature shows in the log", async () => {
  const log = await env.log();
  for (const secret of [TOKEN, OTHER]) assert.ok(!log.includes(secret));
});
