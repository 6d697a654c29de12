// A project with a framework: its sources in `consumers/` or in `examples/`, its packages from the npm registry by its lock file, and
// ours from the tarball, in a folder that knows nothing of this repository.
import { spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { after } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { freePort } from "../../edge/harness/port.mjs";
import { ROOT, run, tarball } from "./consumer.mjs";

const PATIENCE_MS = 120_000;

const folders = [];
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

/** Installs the project; it is there as long as the test file runs. */
export async function project(name) {
  const folder = await mkdtemp(join(tmpdir(), `smartcar-connect-${name}-`));
  folders.push(folder);
  await cp(join(ROOT, "tests/package/consumers", name), folder, { recursive: true });
  await install(folder);
  await unpack(folder, "smartcar-connect", "node_modules/smartcar-connect");
  return folder;
}

const MADE = ["node_modules", "dist", ".svelte-kit", ".wrangler"];

/** Installs an example as whoever tries it does, with the packages where its `package.json` says that they are built. */
export async function example(name) {
  const root = await mkdtemp(join(tmpdir(), `smartcar-connect-example-${name}-`));
  folders.push(root);
  const folder = join(root, "examples", name);
  const filter = (source) => !MADE.includes(basename(source));
  await cp(join(ROOT, "examples", name), folder, { recursive: true, filter });
  await unpack(root, "smartcar-connect", "dist/package");
  await unpack(root, "smartcar-connect-simulator", "dist/simulator");
  await install(folder);
  return folder;
}

const install = (folder) => run(folder, "npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]);

async function unpack(root, name, to) {
  const folder = join(root, to);
  await mkdir(folder, { recursive: true });
  await run(root, "tar", ["--extract", "--gzip", "--file", await tarball(name), "--strip-components=1", "--directory", folder]);
}

/**
 * Starts a server of the project, which is told its port by `args`; resolves to its origin once it answers.
 *
 * @param {{ port?: number, env?: Record<string, string>, path?: string }} [options]
 */
export async function served(t, folder, program, args, { port: given, env = {}, path = "/" } = {}) {
  const port = given ?? (await freePort());
  const said = [];
  const server = spawn(resolve(folder, "node_modules/.bin", program), args(String(port)), {
    cwd: folder,
    env: { ...environment(), ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  server.stdout.on("data", (text) => said.push(text));
  server.stderr.on("data", (text) => said.push(text));
  const ended = new Promise((resolve, reject) => server.once("exit", resolve).once("error", reject));
  t.after(() => {
    if (server.exitCode === null && server.pid) process.kill(-server.pid, "SIGKILL");
    return ended;
  });
  const origin = `http://localhost:${port}`;
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end && server.exitCode === null; await sleep(200)) {
    if (await fetch(origin + path).then(({ ok }) => ok, () => false)) return origin;
  }
  throw new Error(`${program} does not serve; it said: ${said.join("")}`);
}

/** Runs a program of the project. */
export const built = (folder, program, args) =>
  run(folder, join(folder, "node_modules/.bin", program), args, { env: environment(), maxBuffer: 64 * 1024 * 1024 });

// No framework is to tell its makers of a test.
function environment() {
  return { ...process.env, NEXT_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1", CI: "1" };
}
