// What a request costs of the processor, in workerd: `healthz` and a fresh token, set against a Worker written by hand in
// JavaScript and against the hello world of the crate `worker`. Times differ between machines and from minute to minute, so
// that only ratios count: bursts are interleaved, and each is compared with the others of its cycle.
import { once } from "node:events";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";

import { startEdge } from "../edge/harness/edge.mjs";
import { send } from "../edge/harness/http.mjs";
import { workerDirectory, workerModules } from "../edge/harness/paths.mjs";
import { PREFIX, SERVICE_KEY } from "../edge/harness/settings.mjs";
import { until } from "../edge/harness/until.mjs";
import { openEnv } from "../edge/harness/env.mjs";
import { helloDirectory, helloModules } from "./hello.mjs";
import { withMemory } from "./memory.mjs";
import { processorTime, workerdProcesses } from "./processes.mjs";
import { median, print, table } from "./report.mjs";

const CYCLES = Number(process.env.BENCH_CYCLES ?? 200);
const BURST = Number(process.env.BENCH_BURST ?? 300);
const WARM_UP_CYCLES = 10;
const LANES = 8;
const BLOCKS = 10;
/** How much cheaper the token read has to be than the same by hand, and how much dearer `healthz` may not be. */
const TOKEN_BAR = 1.1;
const HEALTHZ_BAR = 1;

const peers = path.join(path.dirname(fileURLToPath(import.meta.url)), "peers");
const clients = new Worker(new URL("clients.mjs", import.meta.url));
const running = [];

try {
  await main();
} finally {
  await clients.terminate();
  for (const { close } of running.toReversed()) await close();
}

/** Starts something that starts one workerd; also gives that one's id. */
async function started(start, close) {
  const earlier = new Set(workerdProcesses());
  const it = await start();
  running.push({ close: () => close(it) });
  const [pid, ...more] = workerdProcesses().filter((one) => !earlier.has(one));
  if (pid === undefined || more.length > 0) throw new Error("which workerd is it?");
  return { it, pid };
}

function ours() {
  return started(
    () => openEnv({ modules: withMemory(workerModules()), modulesRoot: workerDirectory }),
    (env) => env.close(),
  );
}

function peer(modules, modulesRoot, bindings) {
  return started(
    () => startEdge({ bindings, modules, modulesRoot }),
    (edge) => edge.stop(),
  );
}

/** What one request of a burst cost, in µs. */
async function cost({ pid, request }) {
  const earlier = processorTime(pid);
  clients.postMessage({ lanes: LANES, count: BURST, requests: [request] });
  const [{ failed }] = await once(clients, "message");
  if (failed > 0) throw new Error(`${failed} of ${BURST} requests to ${request.url} failed`);
  return (processorTime(pid) - earlier) / BURST;
}

/** Bursts of all in turn; each cycle begins with another, so that none has the others' wake. */
async function measure(subjects) {
  const costs = subjects.map(() => []);
  for (let cycle = -WARM_UP_CYCLES; cycle < CYCLES; cycle += 1) {
    for (let turn = 0; turn < subjects.length; turn += 1) {
      const index = (turn + Math.abs(cycle)) % subjects.length;
      const microseconds = await cost(subjects[index]);
      if (cycle >= 0) costs[index].push(microseconds);
    }
  }
  return costs;
}

/** How many times as much the second costs as the first: the median of all cycles, and the extremes of ten blocks of them. */
function compare(own, other) {
  const ratios = own.map((microseconds, cycle) => other[cycle] / microseconds);
  const size = Math.max(1, Math.floor(ratios.length / BLOCKS));
  const blocks = [];
  for (let from = 0; from + size <= ratios.length; from += size) blocks.push(median(ratios.slice(from, from + size)));
  return { ratio: median(ratios), lowest: Math.min(...blocks), highest: Math.max(...blocks) };
}

function healthz(origin) {
  return { url: `${origin}${PREFIX}/healthz`, method: "GET", headers: {} };
}

function token(origin, { principal, connectionId }) {
  return {
    url: `${origin}${PREFIX}/internal/token`,
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${SERVICE_KEY}` },
    body: JSON.stringify({ principal, connectionId }),
  };
}

/** A connection with a fresh token, as our Worker has it; KV knows it and remembers it. */
async function connected(env) {
  const client = env.client();
  const connectionId = (await env.connect(client)).answer.json().connection.id;
  await until("KV has the grant", async () => (await env.edge.kv().then((kv) => kv.list())).keys.length >= 2);
  const answer = await client.askToken({ connectionId });
  const { accessToken, expiresAt } = answer.json();
  return { principal: client.principal, connectionId, accessToken, expiresAt };
}

async function main() {
  print(`Processor time of workerd per request: bursts of ${BURST}, ${CYCLES} cycles`);
  const busy = os.loadavg()[0];
  if (busy > 0.5) {
    print(`This machine is busy with something else (load ${busy.toFixed(1)}): these figures are preliminary.`);
  }
  const own = await ours();
  const { edge, values } = own.it;
  const grant = await connected(own.it);
  const byHand = await peer(
    withMemory([{ type: "ESModule", path: path.join(peers, "by-hand.js") }]),
    peers,
    values,
  );
  const hello = await peer(withMemory(helloModules()), helloDirectory, {});
  const seed = { ...grant, refreshToken: crypto.randomUUID(), generation: 1 };
  await send(`${byHand.it.at(0)}/seed`, { method: "POST", body: JSON.stringify(seed) });

  const subjects = [
    { pid: own.pid, request: healthz(edge.at(0)) },
    { pid: byHand.pid, request: healthz(byHand.it.at(0)) },
    { pid: hello.pid, request: healthz(hello.it.at(0)) },
    { pid: own.pid, request: token(edge.at(0), grant) },
    { pid: byHand.pid, request: token(byHand.it.at(0), grant) },
  ];
  const [ownHealthz, byHandHealthz, helloHealthz, ownToken, byHandToken] = await measure(subjects);
  const rows = [
    { name: "healthz", other: "by hand in JavaScript", costs: [ownHealthz, byHandHealthz] },
    { name: "healthz", other: "hello world of `worker`", costs: [ownHealthz, helloHealthz], bar: HEALTHZ_BAR },
    { name: "fresh token", other: "by hand in JavaScript", costs: [ownToken, byHandToken], bar: TOKEN_BAR },
  ].map((row) => ({ ...row, ...compare(...row.costs) }));
  print();
  table(
    ["", "set against", "ours", "theirs", "times as cheap", "spread"],
    rows.map(({ name, other, costs, ratio, lowest, highest }) => [
      name,
      other,
      ...costs.map((all) => `${median(all).toFixed(0)} µs`),
      ratio.toFixed(2),
      `${lowest.toFixed(2)} to ${highest.toFixed(2)}`,
    ]),
  );
  print("\nAbove 1 ours is the cheaper one. The spread is that of ten blocks of cycles.\n");
  const demands = rows.filter(({ bar }) => bar !== undefined);
  for (const { name, other, ratio, bar } of demands) {
    print(`  ${ratio >= bar ? "✓" : "✗"} ${name} at least ${bar} × as cheap as ${other}: ${ratio.toFixed(2)}`);
  }
  process.exitCode = demands.every(({ ratio, bar }) => ratio >= bar) ? 0 : 1;
}
