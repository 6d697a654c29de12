// A folder as a front-end developer has it, with the package and wrangler, on a machine that has no Rust.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

import { Client } from "../../edge/harness/client.mjs";
import { closeConnections } from "../../edge/harness/http.mjs";
import { freePort } from "../../edge/harness/port.mjs";
import { startSimulator } from "../../edge/harness/simulator.mjs";
import { ROOT, consumer } from "./consumer.mjs";

export const CLIENT_ID = "8229df9f-91a0-4ff0-a1ae-a1f38ee24d07";

/** An environment in which there is Node and nothing else. */
export async function withoutRust(t) {
  const programs = await mkdtemp(join(tmpdir(), "smartcar-connect-programs-"));
  t.after(() => rm(programs, { recursive: true, force: true }));
  await symlink(process.execPath, join(programs, "node"));
  const env = {
    PATH: programs,
    HOME: programs,
    CI: "1",
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
    WRANGLER_HIDE_BANNER: "true",
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_SEND_ERROR_REPORTS: "false",
  };
  for (const program of ["cargo", "rustc"]) assert.equal(spawnSync(program, { env }).error?.code, "ENOENT");
  return env;
}

/** The folder, with the tools of this repository in place of those that npm would fetch. */
export async function deployment(t) {
  const { folder, installed } = await consumer(t);
  const tools = join(folder, "node_modules");
  await mkdir(tools, { recursive: true });
  for (const tool of ["wrangler", "typescript"]) await symlink(join(ROOT, "node_modules", tool), join(tools, tool));
  await rm(join(folder, "package.json"));
  const env = await withoutRust(t);
  const program = join(installed, "cli/main.js");
  /** Runs a command of the package; resolves to what became of it. */
  const command = (args, options = {}) => ended(process.execPath, [program, ...args], { cwd: folder, env, ...options });
  const wrangler = (args) => ended(process.execPath, [join(tools, "wrangler/bin/wrangler.js"), ...args], { cwd: folder, env });
  return { folder, installed, env, program, command, wrangler };
}

/** Runs a program to its end. */
export async function ended(program, args, options) {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
  const said = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"]) child[name].setEncoding("utf8").on("data", (text) => (said[name] += text));
  const code = await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  return { code, ...said };
}

const PATIENCE_MS = 120_000;

/** Runs `wrangler dev` in a folder; resolves to the origin once the Worker's settings are good. */
export async function dev(t, folder, env, port) {
  const program = join(folder, "node_modules/wrangler/bin/wrangler.js");
  const options = ["--port", String(port), "--inspector-port", "0", "--show-interactive-dev-session=false"];
  const child = spawn(process.execPath, [program, "dev", ...options], { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
  const said = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => said.push(text));
  const ended = new Promise((resolve, reject) => child.once("exit", resolve).once("error", reject));
  t.after(() => {
    if (child.exitCode === null && child.pid) process.kill(-child.pid, "SIGKILL");
    return ended;
  });
  const origin = `http://localhost:${port}`;
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end && child.exitCode === null; await sleep(200)) {
    const answer = await fetch(`${origin}/smartcar/healthz`).catch(() => undefined);
    if (answer?.status === 200) return origin;
  }
  throw new Error(`the Worker is not well; wrangler said: ${said.join("")}`);
}

/** `init`, `wrangler dev`, and a car that is connected with the Worker of the package, against the simulator. */
export async function assertConnects(t, folder, env) {
  const port = await freePort();
  const page = `http://localhost:${port}`;
  const redirectUri = `${page}/`;
  const simulator = await startSimulator([redirectUri]);
  t.after(() => simulator.stop());
  const program = join(folder, "node_modules/smartcar-connect/cli/main.js");
  const args = [program, "init", "--yes", "--redirect-uri", redirectUri, "--simulator", simulator.origin];
  const made = await ended(process.execPath, args, { cwd: folder, env });
  assert.equal(made.code, 0, made.stdout + made.stderr);
  const origin = await dev(t, folder, env, port);
  t.after(closeConnections);
  const client = new Client({ at: () => origin }, page, []);
  const { state } = await client.start({ redirectUri });
  const { code } = await simulator.grant({ redirectUri });
  const answer = await client.finish({ code, state });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.json().kind, "connected");
  assert.deepEqual(await client.connections(), [answer.json().connection]);
}
