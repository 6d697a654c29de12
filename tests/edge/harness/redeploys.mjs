// A Worker that is deployed again and again on the same data, with other secrets each time.
import assert from "node:assert/strict";

import { startEdge } from "./edge.mjs";
import { closeConnections, send } from "./http.mjs";
import { instrumentedModules } from "./instrumented.mjs";
import { PREFIX, SERVICE_KEY, settings } from "./settings.mjs";
import { startSimulator } from "./simulator.mjs";
import { Client } from "./client.mjs";

const page = "http://localhost:8787";
const redirectUri = `${page}/`;

/**
 * Starts a simulator; the Worker runs from the first `deploy` on.
 * @param {object} [options]
 * @param {object} [options.kv] as `startKv` gives; Miniflare's own otherwise
 */
export async function openRedeploys({ kv } = {}) {
  const simulator = await startSimulator([redirectUri]);
  let edge;
  return {
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
    /** The visitor as the Worker that now runs sees it. */
    returning(client) {
      const again = new Client(edge, page, []);
      again.cookie = client.cookie;
      return again;
    },
    async connect(client, grant = {}) {
      const { state } = await client.start();
      const { code } = await simulator.grant({ redirectUri, ...grant });
      const answer = await client.finish({ code, state });
      assert.equal(answer.json().kind, "connected", answer.text);
      return answer.json().connection;
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
    },
  };
}
