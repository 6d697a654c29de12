// `make load`: many connections at once for a minute, each asking for a token, the list of connections and a car's odometer in turn.
// Nothing may fail, and memory may not grow without end. The same load on a Worker written by hand in JavaScript stands beside it.
import { readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";

import { BackEnd } from "../edge/harness/callers.mjs";
import { startEdge } from "../edge/harness/edge.mjs";
import { openEnv } from "../edge/harness/env.mjs";
import { send } from "../edge/harness/http.mjs";
import { workerDirectory, workerModules } from "../edge/harness/paths.mjs";
import { PREFIX, SERVICE_KEY } from "../edge/harness/settings.mjs";
import { until } from "../edge/harness/until.mjs";
import { withMemory } from "./memory.mjs";
import { workerdProcesses } from "./processes.mjs";
import { median, print, table } from "./report.mjs";

/** How many connections at once. */
const LANES = Number(process.env.LOAD_LANES ?? 128);
const SECONDS = Number(process.env.LOAD_SECONDS ?? 60);
/** How much more memory the last third of the time may take than the second. */
const GROWTH = Number(process.env.LOAD_GROWTH ?? 1.2);
/** An isolate passes a hundred requests on at once: two have room for all lanes. */
const ISOLATES = Math.max(1, Math.ceil(LANES / 64));
const WARM_UP_SECONDS = Math.min(3, SECONDS);
const SAMPLES_MS = 500;
const TRAPS = /panic|RuntimeError|unreachable|Critical|Reinitializing/i;

const peers = path.join(path.dirname(fileURLToPath(import.meta.url)), "peers");
const running = [];

/** The memory of a process, in MiB. */
function memoryOf(pid) {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(kib) / 1024;
}

/** Starts something that starts one workerd; also gives that one's id. */
async function started(start, close) {
  const earlier = new Set(workerdProcesses());
  const it = await start();
  running.push(() => close(it));
  const [pid, ...more] = workerdProcesses().filter((one) => !earlier.has(one));
  if (pid === undefined || more.length > 0) throw new Error("which workerd is it?");
  return { it, pid };
}

/** An owner for each lane, whom the app's back end names: one caller may not ask for more than six things at once. */
async function owners(env) {
  const [car] = (await env.simulator.configure({})).vehicles;
  const cars = Array.from({ length: LANES }, (_, n) => ({ ...car, id: `load-${n}`, vin: `LOAD${n}` }));
  await env.simulator.configure({ vehicles: cars });
  const all = [];
  for (const [n, { id }] of cars.entries()) {
    const user = `owner-${n}`;
    const client = new BackEnd(env, user);
    const grant = { vehicles: [id], user: `${user}@example.com`, scopes: ["read_odometer", "read_vehicle_info"] };
    const connection = await env.connected(client, grant);
    const principal = `user:${user}`;
    const answer = await client.post("/internal/token", { connectionId: connection.id });
    const { accessToken, expiresAt } = answer.json();
    all.push({ user, principal, vehicleId: id, connection, accessToken, expiresAt });
  }
  return all;
}

/** What a lane asks for, in turn. */
function requestsOf(origin, { user, principal, connection, vehicleId }) {
  const authorization = `Bearer ${SERVICE_KEY}`;
  const named = { authorization, "smartcar-connect-user": user };
  const token = JSON.stringify({ principal, connectionId: connection.id });
  return [
    { name: "token", method: "POST", path: "/internal/token", headers: { authorization, "content-type": "application/json" }, body: token },
    { name: "list of connections", method: "GET", path: "/connections", headers: named },
    { name: "odometer", method: "GET", path: `/api/v2.0/vehicles/${vehicleId}/odometer`, headers: named },
  ].map(({ path: below, ...request }) => ({ ...request, url: `${origin}${PREFIX}${below}` }));
}

/** Loads one Worker for so many seconds, and says every five how that goes. */
async function load({ name, pid, edge }, everybody, seconds) {
  const lanes = everybody.map((owner, n) => requestsOf(edge.at(n % ISOLATES), owner));
  const memory = [memoryOf(pid)];
  const began = performance.now();
  const sampling = setInterval(() => memory.push(memoryOf(pid)), SAMPLES_MS);
  // A thread of their own: what is measured here must not keep answers waiting.
  const clients = new Worker(new URL("lanes.mjs", import.meta.url));
  try {
    return await new Promise((resolve, reject) => {
      clients.once("error", reject);
      clients.on("message", ({ progress, result }) => {
        if (result) return resolve({ name, ...result, memory: [...memory, memoryOf(pid)] });
        const passed = Math.round((performance.now() - began) / 1000);
        const { count, failed } = progress;
        print(`  ${name}: ${passed} s of ${seconds}, ${count} requests, ${failed} failed, ${memory.at(-1).toFixed(0)} MiB`);
      });
      clients.postMessage({ seconds, lanes });
    });
  } finally {
    clearInterval(sampling);
    await clients.terminate();
  }
}

/** How many times as much memory the last third of the time took as the second one. */
function growth({ memory }) {
  const third = Math.floor(memory.length / 3);
  return median(memory.slice(2 * third)) / median(memory.slice(third, 2 * third));
}

const ms = (value) => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
const mib = (value) => `${value.toFixed(0)} MiB`;

function report(results, traps) {
  print();
  table(
    ["", "requests", "failed", "p50", "p99"],
    results.flatMap(({ name, count, failed, routes }) => [
      [name, `${count}`, `${failed}`, "", ""],
      ...routes.map((route) => [`  ${route.name}`, `${route.count}`, "", ms(route.p50), ms(route.p99)]),
    ]),
  );
  print();
  table(
    ["memory of workerd", "at the start", "in the middle", "at the end", "last third / second"],
    results.map((one) => [
      one.name,
      mib(one.memory[0]),
      mib(one.memory[Math.floor(one.memory.length / 2)]),
      mib(one.memory.at(-1)),
      growth(one).toFixed(2),
    ]),
  );
  print("\nIn the memory are workerd itself, its KV and what it keeps on disk. The Worker by hand has the same routes and the same");
  print("cryptography, but no Durable Object: its list of connections comes from KV. No rate limit is bound.\n");
  for (const { name, errors } of results) for (const error of errors) print(`  ${name}: ${error}`);
  for (const line of traps) print(`  ${line.slice(0, 300)}`);
  const [own] = results;
  const demands = [
    ["nothing failed", results.every(({ failed }) => failed === 0)],
    ["every route was asked", results.every(({ routes }) => routes.every(({ count }) => count > 0))],
    ["no trap in the log", traps.length === 0],
    [`the last third takes at most ${GROWTH} × the memory of the second: ${growth(own).toFixed(2)}`, growth(own) <= GROWTH],
  ];
  for (const [demand, met] of demands) print(`  ${met ? "✓" : "✗"} ${demand}`);
  return demands.every(([, met]) => met);
}

async function main() {
  print(`${LANES} connections at once over ${ISOLATES} isolates, for ${SECONDS} s each`);
  const busy = os.loadavg()[0];
  if (busy > 0.5) print(`This machine is busy with something else (load ${busy.toFixed(1)}): the times will be too long.`);
  const own = await started(
    () => openEnv({ isolates: ISOLATES, modules: withMemory(workerModules()), modulesRoot: workerDirectory }),
    (env) => env.close(),
  );
  const { it: env } = own;
  const everybody = await owners(env);
  await until("KV has every grant", async () => {
    const { keys } = await (await env.edge.kv()).list();
    return keys.length >= Math.min(1_000, 3 * LANES);
  });
  const byHand = await started(
    () =>
      startEdge({
        bindings: env.values,
        isolates: ISOLATES,
        modules: withMemory([{ type: "ESModule", path: path.join(peers, "by-hand.js") }]),
        modulesRoot: peers,
      }),
    (edge) => edge.stop(),
  );
  for (const { principal, connection, accessToken, expiresAt } of everybody) {
    const seed = { principal, connectionId: connection.id, accessToken, expiresAt, connections: [connection] };
    await send(`${byHand.it.at(0)}/seed`, { method: "POST", body: JSON.stringify(seed) });
  }
  const subjects = [
    { name: "smartcar-connect", pid: own.pid, edge: env.edge },
    { name: "by hand in JavaScript", pid: byHand.pid, edge: byHand.it },
  ];
  const results = [];
  for (const subject of subjects) {
    await load(subject, everybody, WARM_UP_SECONDS);
    results.push(await load(subject, everybody, SECONDS));
  }
  await env.log();
  const traps = subjects.flatMap(({ edge }) => edge.log().split("\n").filter((line) => TRAPS.test(line)));
  process.exitCode = report(results, traps) ? 0 : 1;
}

try {
  await main();
} finally {
  for (const close of running.toReversed()) await close();
}
