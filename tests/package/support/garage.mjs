// The example `examples/garage`, installed in a copy from the packed tarballs and started as its README says, at ports of its own.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { parseEnv } from "node:util";

import { freePort } from "../../edge/harness/port.mjs";
import { ROOT, run, tarball } from "./consumer.mjs";
import { ended } from "./deployment.mjs";

const EXAMPLE = join(ROOT, "examples/garage");
/** What running it leaves behind. */
const MADE = new Set([".dev.vars", ".env", ".wrangler", "data", "dist", "node_modules"]);
const OURS = ["smartcar-connect", "smartcar-connect-simulator"];
const PATIENCE_MS = 600_000;

/** Installs it; the versions of what is not ours are those of the lock file. */
export async function installGarage() {
  const folder = await mkdtemp(join(tmpdir(), "smartcar-connect-garage-"));
  await cp(EXAMPLE, folder, { recursive: true, filter: (source) => source === EXAMPLE || !MADE.has(basename(source)) });
  // All tests of a minute are one owner's requests, more than a person makes.
  const configuration = join(folder, "wrangler.jsonc");
  const unlimited = (await readFile(configuration, "utf8")).replaceAll(/"limit": \d+/g, '"limit": 100000');
  await writeFile(configuration, unlimited);
  for (const file of [".npmrc", "package-lock.json"]) await cp(join(ROOT, "tests/package/consumers/garage", file), join(folder, file));
  await assertLocked(folder);
  const packed = await Promise.all(OURS.map((name) => tarball(name)));
  await run(folder, "npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", ...packed]);
  return folder;
}

/** A package that the lock file does not have would come in whatever version there is. */
async function assertLocked(folder) {
  const [manifest, lock] = await Promise.all(
    ["package.json", "package-lock.json"].map(async (file) => JSON.parse(await readFile(join(folder, file), "utf8"))),
  );
  for (const kind of ["dependencies", "devDependencies"]) {
    const others = Object.entries(manifest[kind]).filter(([name]) => !OURS.includes(name));
    assert.deepEqual(lock.packages[""][kind], Object.fromEntries(others), `${kind} of tests/package/consumers/garage/package-lock.json`);
  }
}

/** `npm run dev`; resolves once it says where to open the page. */
export async function startGarage(folder) {
  const [PAGE_PORT, APP_PORT, WORKER_PORT, SIMULATOR_PORT] = (await distinctPorts(4)).map(String);
  const env = { ...environment(), PAGE_PORT, APP_PORT, WORKER_PORT, SIMULATOR_PORT };
  const said = [];
  const child = spawn("npm", ["run", "dev"], { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => said.push(text));
  const gone = new Promise((resolve, reject) => child.once("exit", resolve).once("error", reject));
  const kill = (signal) => child.exitCode === null && child.signalCode === null && process.kill(-child.pid, signal);
  const end = Date.now() + PATIENCE_MS;
  while (!said.join("").includes(`Open  http://localhost:${PAGE_PORT}/`)) {
    if (Date.now() < end && child.exitCode === null) await sleep(200);
    else {
      kill("SIGKILL");
      throw new Error(`the example does not start; it said: ${said.join("")}`);
    }
  }
  const settings = async (file) => parseEnv(await readFile(join(folder, file), "utf8"));
  const simulator = `http://localhost:${SIMULATOR_PORT}`;
  return {
    folder,
    page: `http://localhost:${PAGE_PORT}/`,
    app: await settings(".env"),
    worker: await settings(".dev.vars"),
    simulator,
    said: () => said.join(""),
    /** Tells the simulator something. */
    async control(method, path, body) {
      const answer = await fetch(`${simulator}/_control${path}`, { method, body: body && JSON.stringify(body) });
      assert.equal(answer.status, 200, await answer.clone().text());
      return answer.json();
    },
    /** `npm run nightly`. */
    nightly: () => ended("npm", ["run", "--silent", "nightly"], { cwd: folder, env: environment() }),
    /** As Ctrl-C ends it. */
    async stop() {
      kill("SIGTERM");
      await gone;
    },
    async remove() {
      kill("SIGKILL");
      await gone;
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function distinctPorts(count) {
  const ports = new Set();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}

// What the settings of whoever runs the tests say is not the example's.
export function environment() {
  const names = ["HOME", "PATH", "TMPDIR", "npm_config_cache", "npm_config_registry"];
  const kept = names.filter((name) => process.env[name] !== undefined).map((name) => [name, process.env[name]]);
  return {
    ...Object.fromEntries(kept),
    CI: "1",
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
    WRANGLER_HIDE_BANNER: "true",
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_SEND_ERROR_REPORTS: "false",
  };
}
