// A Durable Object that is reset, as each deployment does: what only reads is asked once more of the next one.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { openConnections } from "../harness/connections-fixture.mjs";
import { kill } from "../harness/instrumented.mjs";

const { edge, idleOwner, reset, close } = await openConnections();
after(close);
beforeEach(reset);

/** Sends 20 requests at once, each of them to both isolates, while the Vault is killed. */
async function duringReset(vault, request) {
  const answers = Array.from({ length: 20 }, (_, n) => request({ isolate: n % 2 }));
  await kill(edge, vault);
  return Promise.all(answers);
}

test("a read that meets a reset is answered all the same", async () => {
  const { client, connection, vault } = await idleOwner();
  for (let round = 0; round < 3; round += 1) {
    for (const path of ["/connections", `/connections/${connection.id}`, "/vehicles"]) {
      const answers = await duringReset(vault, (options) => client.get(path, options));
      assert.deepEqual(answers.map(({ status }) => status), Array(20).fill(200), path);
    }
  }
});
