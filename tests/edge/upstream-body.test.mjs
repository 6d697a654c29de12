// An answer of Smartcar's that never ends is read no further than it may be.
import assert from "node:assert/strict";
import http from "node:http";
import { after, test } from "node:test";

import { openEnv } from "./harness/env.mjs";
import { assertProblem } from "./harness/problem.mjs";

const CHUNK = Buffer.alloc(16 * 1024, "x");
/** What sockets and streams may hold on the way, far below what could be sent until the Worker's deadline of 10 seconds. */
const MOST = 16 * 1024 * 1024;

/** A server whose answers are JSON that never ends. */
async function openEndless() {
  let sent = 0;
  const server = http.createServer((_request, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.write('{"access_token":"');
    const more = () => {
      let isTaken = true;
      while (isTaken && !response.destroyed && sent <= 10 * MOST) {
        isTaken = response.write(CHUNK);
        sent += CHUNK.length;
      }
    };
    response.on("drain", more);
    response.on("error", () => {});
    more();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    sent: () => sent,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

const endless = await openEndless();
const auth = await openEnv({ adjust: (values) => ({ ...values, SMARTCAR_AUTH_ORIGIN: endless.origin }) });
const api = await openEnv({ adjust: (values) => ({ ...values, SMARTCAR_API_ORIGIN: endless.origin }) });
after(() => Promise.all([auth.close(), api.close(), endless.close()]));

async function bounded(ask) {
  const before = endless.sent();
  const began = performance.now();
  const answer = await ask();
  assert.ok(endless.sent() > before, "the server was not asked");
  assert.ok(endless.sent() - before < MOST, `${endless.sent() - before} bytes were taken`);
  assert.ok(performance.now() - began < 9_000, "the deadline ended it");
  return answer;
}

test("an endless answer of the token endpoint is cut off, and no answer of Smartcar's", async () => {
  const client = auth.client();
  const { state } = await client.start();
  const finished = await bounded(() => client.finish({ code: "a-code", state }));
  assertProblem(finished, { status: 503, code: "upstream_unavailable" });
  assert.match(await auth.log(), /"event":"exchange","outcome":"unreadable_response"/);
});

test("an endless answer of the API is cut off, and costs no connection", async () => {
  const client = api.client();
  const { state } = await client.start();
  const code = await api.consent();
  const finished = await bounded(() => client.finish({ code, state }));
  assert.equal(finished.json().kind, "connected", finished.text);
});
