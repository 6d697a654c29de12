// The same storm against the two usual ways to keep a rotating token.
import path from "node:path";
import { fileURLToPath } from "node:url";

import { startEdge } from "../../edge/harness/edge.mjs";
import { send } from "../../edge/harness/http.mjs";
import { CLIENT_ID, CLIENT_SECRET } from "../../edge/harness/simulator.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));

export const PEERS = [
  { name: "KV: read, then refresh", place: "kv" },
  { name: "Durable Object: read, then refresh", place: "object" },
];

/** A refresh token straight from the simulator. */
async function refreshToken({ simulator, consent, redirectUri }) {
  const form = new URLSearchParams({
    client_id: CLIENT_ID,
    client_secret: CLIENT_SECRET,
    grant_type: "authorization_code",
    code: await consent(),
    redirect_uri: redirectUri,
  });
  const headers = { "content-type": "application/x-www-form-urlencoded", "user-agent": "bench" };
  const answer = await send(`${simulator.origin}/oauth/token`, { method: "POST", headers, body: `${form}` });
  if (answer.status !== 200) throw new Error(`the exchange failed: ${answer.status} ${answer.text}`);
  return answer.json().refresh_token;
}

/**
 * Starts the peers and gives each the storm.
 * @param {object} env as `openEnv` returns
 * @param {(origins: string[], request: object) => Promise<object>} storm
 * @returns {Promise<object[]>} a result for each of `PEERS`
 */
export async function stormPeers(env, isolates, storm) {
  const modules = [{ type: "ESModule", path: path.join(here, "worker.js") }];
  const edge = await startEdge({ bindings: env.values, isolates, modules, modulesRoot: here });
  try {
    const origins = Array.from({ length: isolates }, (_, isolate) => edge.at(isolate));
    const results = [];
    for (const { name, place } of PEERS) {
      // Connections are opened before anything is measured.
      await storm(origins, { path: "/seed?in=kv", method: "POST", headers: {}, body: "none" });
      await send(`${edge.at(0)}/seed?in=${place}`, { method: "POST", body: await refreshToken(env) });
      const earlier = (await env.simulator.counts()).refresh;
      const result = await storm(origins, { path: `/token?in=${place}`, method: "GET", headers: {} });
      results.push({ name, ...result, upstream: (await env.simulator.counts()).refresh - earlier });
    }
    return results;
  } finally {
    await edge.stop();
  }
}
