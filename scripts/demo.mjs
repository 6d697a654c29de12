// `make demo`: the simulator and the Worker, until Ctrl-C. `PAGE=http://localhost:5173/` lets a page of your own use them;
// `PORT` and `SIMULATOR_PORT` choose where they listen; `API=v3` makes new connections by Smartcar's v3.
import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

import { demoWebhooks } from "./demo-webhooks.mjs";
import { ensureDevVars, localVars, readVars, v3Vars } from "./dev-vars.mjs";

const WORKER_PORT = 8787;
const SIMULATOR_PORT = 9191;
const STATE = ".wrangler/state";
const PATIENCE_MS = 60_000;

const [simulator] = process.argv.slice(2);
const ownPage = process.env.PAGE || undefined;
const api = process.env.API || "v2";
const logs = join(process.env.CARGO_TARGET_DIR ?? "target", "log");
const children = new Set();
let stopping = false;

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => stop(0));

try {
  await main();
} catch (error) {
  console.error(`  ✗ ${error.message}`);
  await stop(1);
}

async function main() {
  if (!["v2", "v3"].includes(api)) throw new Error(`\`API\` is \`${api}\`: give v2 or v3`);
  const ownPages = ownPage ? loopbackTwins(pageAddress(ownPage)) : [];
  const port = await choosePort("PORT", WORKER_PORT);
  const simulatorPort = await choosePort("SIMULATOR_PORT", SIMULATOR_PORT, port);
  const page = `http://localhost:${port}/`;
  mkdirSync(logs, { recursive: true });
  if (ensureDevVars(".dev.vars")) console.log("  ✓ Made .dev.vars with a sealing key for this machine");

  const started = Date.now();
  // Where owners come back to who connect without JavaScript.
  const callbacks = loopbackTwins(page).map((address) => `${address}smartcar/connect/callback`);
  const redirectUris = [...loopbackTwins(page), ...callbacks, ...ownPages].flatMap((uri) => ["--redirect-uri", uri]);
  const state = ["--state", join(STATE, "simulator.json")];
  const simulated = localVars(".dev.vars", `http://localhost:${simulatorPort}`);
  const webhooks = demoWebhooks(readVars(".dev.vars"), page, "SMARTCAR_CONNECT_ORIGIN" in simulated);
  start("simulator", simulator, ["--port", String(simulatorPort), ...state, ...redirectUris, ...webhooks.flags]);
  const origins = [...new Set(ownPages.map((address) => new URL(address).origin))];
  const vars = {
    ...simulated,
    ...webhooks.vars,
    ...(api === "v3" ? v3Vars(".dev.vars") : {}),
    ...(ownPage ? { ALLOWED_ORIGINS: origins.join(",") } : {}),
  };
  const worker = start("worker", "wrangler", [
    "dev",
    "worker/demo-backend.js",
    "--local",
    "--port",
    String(port),
    "--inspector-port",
    "0",
    "--persist-to",
    STATE,
    "--assets",
    "dist/demo",
    "--show-interactive-dev-session=false",
    ...Object.entries(vars).flatMap(([name, value]) => ["--var", `${name}:${value}`]),
  ]);
  await healthy(`${page}smartcar/healthz`, started + PATIENCE_MS, worker);

  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  console.log(`  ✓ The simulator and the Worker are up (${seconds} s); what they print is in ${logs}/demo-*.log`);
  const where = ownPage ? `\n      Your page  ${ownPages[0]}  may use the Worker at ${page}smartcar` : "";
  console.log(`\n      Open  ${page}${where}\n\n      Ctrl-C stops it.\n`);
}

/** The address as a page itself has it, with its slash and without a hash. */
function pageAddress(given) {
  const url = URL.parse(given);
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new Error(`\`PAGE\` is \`${given}\`: give your page's whole address, such as http://localhost:5173/`);
  }
  url.hash = "";
  return url.href;
}

/** An address of this machine by both of the names under which it may be opened; any other one alone. */
function loopbackTwins(address) {
  const twin = { localhost: "127.0.0.1", "127.0.0.1": "localhost" }[new URL(address).hostname];
  if (!twin) return [address];
  const url = new URL(address);
  url.hostname = twin;
  return [address, url.href];
}

/** The port that a variable names, or the usual one, or else the next that is free. */
async function choosePort(variable, usual, taken) {
  const named = process.env[variable];
  if (named !== undefined && named !== "") {
    if (!/^\d{1,5}$/.test(named) || named < 1 || named > 65_535) {
      throw new Error(`\`${variable}\` is \`${named}\`: give a port, 1 to 65535`);
    }
    if (!(await isFree(Number(named)))) throw new Error(`port ${named} is in use: choose another \`${variable}\``);
    return Number(named);
  }
  for (let port = usual; port < usual + 100; port += 1) {
    if (port !== taken && (await isFree(port))) {
      if (port !== usual) console.log(`  ✓ Port ${usual} is in use: ${port} is taken (\`${variable}\` chooses one)`);
      return port;
    }
  }
  throw new Error(`no port from ${usual} on is free: choose one by \`${variable}\``);
}

async function isFree(port) {
  for (const host of ["localhost", "127.0.0.1"]) {
    const probe = createServer();
    const listening = new Promise((resolve) => probe.once("error", () => resolve(false)).listen(port, host, () => resolve(true)));
    if (!(await listening)) return false;
    await new Promise((resolve) => probe.close(resolve));
  }
  return true;
}

function start(name, program, args) {
  const log = join(logs, `demo-${name}.log`);
  const sink = createWriteStream(log);
  // A group of its own: Ctrl-C reaches this script, which then stops it and all that it started.
  const child = spawn(program, args, { env: environment(), stdio: ["ignore", "pipe", "pipe"], detached: true });
  children.add(child);
  child.stdout.pipe(sink, { end: false });
  child.stderr.pipe(sink, { end: false });
  child.once("error", (error) => failed(`cannot start the ${name}: ${error.message}`));
  child.once("exit", (code) => {
    children.delete(child);
    if (!stopping) failed(`the ${name} stopped (${code}); the end of ${log}:\n${tail(log)}`);
  });
  return { log };
}

// The build that wrangler starts is a `make` of its own.
function environment() {
  const { MAKEFLAGS: _, MAKELEVEL: __, MFLAGS: ___, ...inherited } = process.env;
  return { ...inherited, WRANGLER_LOG_PATH: logs };
}

async function healthy(address, deadline, worker) {
  let last = "no answer";
  while (Date.now() < deadline && !stopping) {
    try {
      const response = await fetch(address, { signal: AbortSignal.timeout(5_000) });
      if (response.ok) return;
      last = (await response.json().catch(() => ({}))).detail ?? `status ${response.status}`;
      if (response.status === 503) break;
    } catch {
      // Not listening yet.
    }
    await sleep(100);
  }
  throw new Error(`the Worker does not serve: ${last}; the end of ${worker.log}:\n${tail(worker.log)}`);
}

function tail(file) {
  return readFileSync(file, "utf8").trimEnd().split("\n").slice(-20).join("\n");
}

function failed(message) {
  if (stopping) return;
  console.error(`  ✗ ${message}`);
  void stop(1);
}

async function stop(code) {
  if (stopping) return;
  stopping = true;
  signalAll("SIGTERM");
  for (let waited = 0; children.size > 0 && waited < 3_000; waited += 50) await sleep(50);
  signalAll("SIGKILL");
  process.exit(code);
}

function signalAll(signal) {
  for (const child of children) {
    try {
      process.kill(-child.pid, signal);
    } catch {
      // It is gone already.
    }
  }
}
