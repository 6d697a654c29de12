// A folder as a front-end developer has it, with the package and wrangler, on a machine that has no Rust.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

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
