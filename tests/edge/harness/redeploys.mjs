// A Worker that is deployed again and again on the same data, with other secrets each time.
import assert from "node:assert/strict";

import { Client } from "./client.mjs";
import { startEdge } from "./edge.mjs";
import { closeConnections, send } from "./http.mjs";
import { instrumentedModules } from "./instrumented.mjs";
import { startKv } from "./kv.mjs";
import { PREFIX, SERVICE_KEY, settings } from "./settings.mjs";
import { startSimulator } from "./simulator.mjs";

const page = "http://localhost:8787";
const redirectUri = `${page}/`;

/** Starts a simulator and a KV layer; the Worker runs from the first `deploy` on. */
export async function openRedeploys() {
  const kv = await startKv();
  const simulator = await startSimulator([redirectUri]);
  let edge;
  return {
    kv,
    simulator,
    redirectUri,
    get edge() {
      return edge;
    },
    /** Halts the Worker and deploys it again with this key ring, on the same data; its clock is right again. */
    async deploy(keys, more = {}) {
      await edge?.halt();
      edge = await startEdge({
        bindings: { ...settings({ simulator, allowedOrigins: [page] }), SEALING_KEYS: keys.join(","), ...more },
        modules: instrumentedModules(),
        data: edge?.data,
        kv,
      });
    },
    client: () => new Client(edge, page, []),
    /** The client as the Worker that now runs sees it. */
    returning(client) {
      const again = new Client(edge, page, []);
      again.cookie = client.cookie;
      return again;
    },
    connected: (client, grant) => client.connected(simulator, grant),
    /** The records in KV, by name: the id of the key that each was sealed with, as its bytes and its metadata say. */
    records() {
      const stored = [...kv.store.entries()].filter(([name]) => name.startsWith("v1/"));
      return new Map(
        stored.map(([name, { value, metadata }]) => {
          const bytes = Buffer.from(value.toString(), "base64url");
          const key = bytes.subarray(2, 2 + bytes[1]).toString();
          assert.equal(JSON.parse(metadata).key, key, "the metadata names another key");
          return [name, { key, value: value.toString() }];
        }),
      );
    },
    /** What `GET /internal/rotation` says. */
    async report() {
      const headers = { authorization: `Bearer ${SERVICE_KEY}` };
      const answer = await send(`${edge.at(0)}${PREFIX}/internal/rotation`, { headers });
      assert.equal(answer.status, 200, answer.text);
      return answer.json();
    },
    async close() {
      closeConnections();
      await edge?.stop();
      await simulator.stop();
      await kv.close();
    },
  };
}
