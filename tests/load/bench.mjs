// `make bench`: a storm of 1,000 requests over 4 isolates at the moment when the access token expires, and the read path
// when it is fresh. Every figure is set against Smartcar's round trip in the same run, so that machines can be compared.
import { once } from "node:events";
import os from "node:os";
import { Worker } from "node:worker_threads";

import { openEnv } from "../edge/harness/env.mjs";
import { vaultCalls } from "../edge/harness/instrumented.mjs";
import { SERVICE_KEY, PREFIX } from "../edge/harness/settings.mjs";
import { HOUR } from "../edge/harness/spans.mjs";
import { until } from "../edge/harness/until.mjs";
import { benchModules, rememberReads } from "./modules.mjs";
import { stormPeers } from "./peers/peers.mjs";
import { median, print, report } from "./report.mjs";

const ISOLATES = 4;
const REQUESTS = Number(process.env.BENCH_REQUESTS ?? 1_000);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const WARM_UP = 3;
const LATENCIES_MS = [600, 150];
const BAR = 1.5;
/** The storms of each latency: how many requests, and whether KV reads come from memory. The first has to meet the bar. */
const KINDS = [
  [REQUESTS, true],
  [REQUESTS, false],
  [Math.ceil(REQUESTS / 4), true],
  [1, true],
];
const IDLE = { path: `${PREFIX}/healthz`, method: "GET", headers: {} };
const FRESH = [
  [1, true],
  [REQUESTS, true],
  [REQUESTS, false],
];

const env = await openEnv({ isolates: ISOLATES, modules: benchModules() });
const { simulator, edge } = env;
// The clients have a thread of their own: what the bench itself does must not keep answers waiting.
const clients = new Worker(new URL("clients.mjs", import.meta.url));

try {
  await main();
} finally {
  await clients.terminate();
  await env.close();
}

async function stormOf(origins, count, request) {
  const requests = origins.map((origin) => ({ ...request, url: `${origin}${request.path}` }));
  clients.postMessage({ count, requests });
  const [result] = await once(clients, "message");
  return result;
}

function storm(count, request) {
  const origins = Array.from({ length: ISOLATES }, (_, isolate) => edge.at(isolate));
  return stormOf(origins, count, request);
}

function tokenRequest({ client, connection }) {
  return {
    path: `${PREFIX}/internal/token`,
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${SERVICE_KEY}` },
    body: JSON.stringify({ principal: client.principal, connectionId: connection.id }),
  };
}

/** A client with a connection, of which KV knows. */
async function owner() {
  const client = env.client();
  const connection = await env.connected(client);
  const grant = { client, connection };
  await until("KV has the grant", () => servedFromKv(grant));
  return grant;
}

async function servedFromKv({ client, connection }) {
  const earlier = await vaultCalls(edge);
  const { status } = await client.token(connection);
  return status === 200 && (await vaultCalls(edge)) === earlier;
}

/** One round trip to Smartcar: the median of some, made one after the other. */
async function roundTrip() {
  const request = { url: `${simulator.origin}/v2.0/user`, method: "GET", headers: { "user-agent": "bench" } };
  clients.postMessage({ oneByOne: 9, requests: [request] });
  const [{ p50 }] = await once(clients, "message");
  return p50;
}

/** A storm at expiry. `fromMemory`: every location has read the record that is about to be replaced. */
async function atExpiry(grant, count, fromMemory) {
  await rememberReads(edge, fromMemory);
  await storm(ISOLATES, tokenRequest(grant));
  await env.travel(2 * HOUR);
  const earlier = (await simulator.counts()).refresh;
  const result = await storm(count, tokenRequest(grant));
  const upstream = (await simulator.counts()).refresh - earlier;
  await rememberReads(edge, false);
  await until("KV has the new token", () => servedFromKv(grant));
  return { ...result, upstream };
}

async function whileFresh(grant, count, fromMemory) {
  await rememberReads(edge, fromMemory);
  await storm(ISOLATES, tokenRequest(grant));
  const earlier = await vaultCalls(edge);
  const result = await storm(count, tokenRequest(grant));
  return { ...result, vault: (await vaultCalls(edge)) - earlier };
}

async function rounds(run) {
  const results = [];
  for (let round = 0; round < ROUNDS; round += 1) results.push(await run());
  const of = (name) => results.map((result) => result[name]);
  return {
    p50: median(of("p50")),
    p99: median(of("p99")),
    failed: Math.max(...of("failed")),
    tokens: Math.max(...of("tokens")),
    upstream: Math.max(...of("upstream")),
    vault: Math.max(...of("vault")),
  };
}

async function main() {
  print(`${REQUESTS} requests at once over ${ISOLATES} isolates, the median of ${ROUNDS} rounds`);
  const busy = os.loadavg()[0];
  if (busy > 0.5) print(`This machine is busy with something else (load ${busy.toFixed(1)}): the times will be too long.`);
  // A refresh token is good for one use.
  await simulator.configure({ graceMs: 0 });
  const grant = await owner();
  // Connections are opened and code is compiled before anything is measured.
  for (let round = 0; round < WARM_UP; round += 1) {
    await storm(REQUESTS, IDLE);
    await atExpiry(grant, REQUESTS, round > 0);
  }

  const floor = await rounds(() => storm(REQUESTS, IDLE));
  const fresh = [];
  for (const [count, fromMemory] of FRESH) {
    fresh.push({ count, fromMemory, ...(await rounds(() => whileFresh(grant, count, fromMemory))) });
  }
  const storms = [];
  for (const latencyMs of LATENCIES_MS) {
    await simulator.configure({ latencyMs });
    const upstreamMs = await roundTrip();
    for (const [count, fromMemory] of KINDS) {
      const result = await rounds(() => atExpiry(grant, count, fromMemory));
      storms.push({ latencyMs, upstreamMs, count, fromMemory, ...result });
    }
  }
  const [peersLatencyMs] = LATENCIES_MS;
  await simulator.configure({ latencyMs: peersLatencyMs });
  const peers = await stormPeers(env, ISOLATES, (origins, request) => stormOf(origins, REQUESTS, request));
  process.exitCode = report({ floor, fresh, storms, peers, bar: BAR }) ? 0 : 1;
}
