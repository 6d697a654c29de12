// What Smartcar sends goes into a Cloudflare Queue where one is bound, whatever address is set besides.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { openConnections } from "../harness/connections-fixture.mjs";
import { send } from "../harness/http.mjs";
import { runInboxAlarm, storedInInbox } from "../harness/instrumented.mjs";
import { until } from "../harness/until.mjs";
import { event, post, SECRET, startApp, TOKEN } from "../harness/webhooks.mjs";

const CONSUMER = `
  const received = [];
  export default {
    async queue({ messages }) {
      received.push(...messages.map(({ body }) => body));
    },
    fetch: () => Response.json(received),
  };
`;

const app = await startApp();
const fixture = await openConnections({
  adjust: (values) => ({
    ...values,
    SMARTCAR_MANAGEMENT_TOKEN: TOKEN,
    WEBHOOK_FORWARD_URL: app.url,
    WEBHOOK_FORWARD_SECRET: SECRET,
  }),
  backends: [{ name: "consumer", script: CONSUMER, queue: "smartcar-events" }],
});
const { env, edge, simulator, carIds } = fixture;
after(async () => {
  await fixture.close();
  await app.close();
});

const received = async () => (await send(`${edge.at("consumer")}/`)).json();

test("the queue has each event to the letter, with whose it is, and nothing is kept", async () => {
  const grant = { vehicles: [carIds[0]], user: "anna@example.com" };
  const { client } = await fixture.idleOwner(grant);
  const { userId } = await simulator.grant({ redirectUri: env.redirectUri, ...grant });
  const sent = JSON.stringify(event({ userId, vehicleId: carIds[0] }), null, 1);
  assert.equal((await post(edge, sent)).status, 200);
  for (const id of await edge.inboxIds()) await runInboxAlarm(edge, id);
  await until("the consumer has it", async () => (await received()).length > 0);
  const [body, ...others] = await received();
  assert.deepEqual(others, []);
  assert.equal(typeof body, "string");
  assert.ok(body.includes(sent));
  const { type, data } = JSON.parse(body);
  assert.deepEqual([type, data.principals], ["smartcar.vehicle_state", [client.principal]]);
  assert.deepEqual(app.received, [], "the address is not asked as well");
  for (const id of await edge.inboxIds()) {
    assert.deepEqual((await storedInInbox(edge, id)).filter(([name]) => /^(tell|hand_on)\//.test(name)), []);
  }
});
