// `make demo`: the simulator and the Worker, until Ctrl-C. `PAGE=http://localhost:5173/` lets a page of your own use them.
import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

import { ensureDevVars } from "./dev-vars.mjs";

const SIMULATOR_PORT = 9191;
const WORKER_PORT = 8787;
const PAGE = `http://localhost:${WORKER_PORT}/`;
const HEALTH = `${PAGE}smartcar/healthz`;
const PATIENCE_MS = 60_000;

const [simulator] = process.argv.slice(2);
const ownPage = process.env.PAGE || undefined;
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
  if (ownPage && !/^https?:$/.test(URL.parse(ownPage)?.protocol)) {
    throw new Error(`\`PAGE\` is \`${ownPage}\`: give your page's whole address, such as http://localhost:5173/`);
  }
  await free(SIMULATOR_PORT);
  await free(WORKER_PORT);
  mkdirSync(logs, { recursive: true });
  if (ensureDevVars(".dev.vars", `http://localhost:${SIMULATOR_PORT}`)) {
    console.log("  ✓ Made .dev.vars with a sealing key for this machine");
  }

  const started = Date.now();
  const redirectUris = [PAGE, ownPage].filter(Boolean).flatMap((page) => ["--redirect-uri", page]);
  start("simulator", simulator, ["--port", String(SIMULATOR_PORT), ...redirectUris]);
  const worker = start("worker", "wrangler", [
    "dev",
    "--local",
    "--port",
    String(WORKER_PORT),
    "--inspector-port",
    "0",
    "--persist-to",
    ".wrangler/state",
    "--assets",
    "dist/demo",
    "--show-interactive-dev-session=false",
    ...(ownPage ? ["--var", `ALLOWED_ORIGINS:${new URL(ownPage).origin}`] : []),
  ]);
  await healthy(started + PATIENCE_MS, worker);

  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  console.log(`  ✓ The simulator and the Worker are up (${seconds} s); what they print is in ${logs}/demo-*.log`);
  const where = ownPage ? `\n      Your page  ${ownPage}  may use the Worker at ${PAGE}smartcar` : "";
  console.log(`\n      Open  ${PAGE}${where}\n\n      Ctrl-C stops it.\n`);
}

function free(port) {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", (error) =>
      reject(new Error(`port ${port} is in use (${error.code}): stop what listens there, then run \`make demo\` again`)),
    );
    probe.listen(port, "localhost", () => probe.close(resolve));
  });
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

async function healthy(deadline, worker) {
  let last = "no answer";
  while (Date.now() < deadline && !stopping) {
    try {
      const response = await fetch(HEALTH, { signal: AbortSignal.timeout(5_000) });
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
