// A deployment with nothing but what npm installs: the package, and wrangler from the registry.
import assert from "node:assert/strict";
import process from "node:process";
import { join } from "node:path";
import { test } from "node:test";

import { assertConnects, ended, withoutRust } from "../support/deployment.mjs";
import { project } from "../support/project.mjs";

test("from `npm install` to a Worker that connects a car, and that wrangler would deploy, without Rust", async (t) => {
  const folder = await project("worker");
  const env = await withoutRust(t);
  await assertConnects(t, folder, env);
  const wrangler = join(folder, "node_modules/wrangler/bin/wrangler.js");
  const { code, stdout, stderr } = await ended(process.execPath, [wrangler, "deploy", "--dry-run"], { cwd: folder, env });
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /env\.VAULT \(Vault\)/);
});
