// The Worker from the package, deployed by wrangler from a folder that `init` has written, without Rust.
import assert from "node:assert/strict";
import { copyFile, cp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { parseEnv } from "node:util";

import { ROOT, run } from "./support/consumer.mjs";
import { CLIENT_ID, assertConnects, deployment } from "./support/deployment.mjs";

const INIT = ["init", "--yes", "--client-id", CLIENT_ID, "--redirect-uri", "https://app.example.com/cars"];

async function dryRun(t, change = async (_folder) => {}) {
  const { folder, command, wrangler } = await deployment(t);
  assert.equal((await command(INIT)).code, 0);
  await change(folder);
  const { code, stdout, stderr } = await wrangler(["deploy", "--dry-run", "--outdir", "out"]);
  assert.equal(code, 0, stdout + stderr);
  return { folder, stdout };
}

test("wrangler takes the folder as it is: one module, each object and each binding", async (t) => {
  const { folder, stdout } = await dryRun(t);
  for (const bound of ["env.VAULT (Vault)", "env.APPLICATION_TOKEN (ApplicationToken)", "env.WEBHOOK_INBOX (WebhookInbox)", "env.TOKENS", "env.START_LIMIT"]) {
    assert.ok(stdout.includes(bound), bound);
  }
  const uploaded = await readdir(join(folder, "out"));
  assert.equal(uploaded.filter((name) => name.endsWith(".wasm")).length, 1, `${uploaded}`);
  const module = uploaded.find((name) => name.endsWith(".wasm"));
  const built = await readFile(join(ROOT, "worker/build/index_bg.wasm"));
  assert.ok(built.equals(await readFile(join(folder, "out", module))), "the module is the one that `make worker` has built");
});

test("it runs on this machine by `wrangler dev`, and connects a car of the simulator", async (t) => {
  const { folder, env } = await deployment(t);
  await assertConnects(t, folder, env);
});

test("the template is deployed as it is, as by a button or by `npm create cloudflare`", async (t) => {
  const { folder, wrangler } = await deployment(t);
  await cp(join(ROOT, "pkg-template/template"), folder, { recursive: true });
  const { code, stdout, stderr } = await wrangler(["deploy", "--dry-run"]);
  assert.equal(code, 0, stdout + stderr);
  const example = parseEnv(await readFile(join(folder, ".dev.vars.example"), "utf8"));
  const { cloudflare } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  const asked = ["SMARTCAR_CLIENT_ID", "ALLOWED_ORIGINS", ...Object.keys(example)];
  assert.deepEqual(Object.keys(cloudflare.bindings).sort(), asked.sort(), "what the button asks for is explained");
});

test("a Worker of one's own wraps it", async (t) => {
  await dryRun(t, async (folder) => {
    const script = (await readFile(join(folder, "worker/index.js"), "utf8")).split("\n");
    // The example in its comment.
    const example = script.filter((line) => line.startsWith("//   ")).map((line) => line.slice(5));
    assert.match(example[0], /^import worker from/);
    const objects = 'export { ApplicationToken, Vault, WebhookInbox } from "smartcar-connect/worker";';
    await writeFile(join(folder, "worker/index.js"), [...example, objects, ""].join("\n"));
  });
});

test("the package's files can be the script themselves", async (t) => {
  await dryRun(t, async (folder) => {
    const file = join(folder, "wrangler.jsonc");
    const text = await readFile(file, "utf8");
    await writeFile(file, text.replace("worker/index.js", "node_modules/smartcar-connect/worker/index.js"));
  });
});

test("the types fit those that wrangler writes, with nothing left out of the check", async (t) => {
  const { folder, command, wrangler } = await deployment(t);
  assert.equal((await command(INIT)).code, 0);
  await copyFile(join(ROOT, "tests/package/types/worker.ts"), join(folder, "worker/index.ts"));
  const file = join(folder, "wrangler.jsonc");
  await writeFile(file, (await readFile(file, "utf8")).replace("worker/index.js", "worker/index.ts"));
  // As in a fresh checkout.
  await rm(join(folder, ".dev.vars"));
  const { code, stdout, stderr } = await wrangler(["types"]);
  assert.equal(code, 0, stdout + stderr);
  const compilerOptions = {
    target: "esnext",
    module: "esnext",
    moduleResolution: "bundler",
    lib: ["esnext"],
    types: ["./worker-configuration.d.ts"],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true,
  };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["worker/index.ts"] }));
  await run(folder, "tsc", ["--project", "."], { env: process.env });
});

test("the type of `env` has every setting and binding that there is", async () => {
  const types = await readFile(join(ROOT, "pkg-template/worker/index.d.ts"), "utf8");
  const [, env] = /interface Env \{(.*?)\n\}/s.exec(types);
  const typed = [...env.matchAll(/^ {2}(\w+)\??:/gm)].map(([, name]) => name);
  const table = await readFile(join(ROOT, "docs/configuration.md"), "utf8");
  const documented = [...table.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, name]) => name);
  assert.deepEqual(typed, documented);
});
