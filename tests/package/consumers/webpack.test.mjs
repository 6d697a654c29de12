// webpack 5 without a configuration file.
import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { assertWorks } from "../support/outcome.mjs";
import { resultOf, serve } from "../support/pages.mjs";
import { built, project } from "../support/project.mjs";

test("webpack copies the module once, and the page loads it from there", async (t) => {
  const folder = await project("webpack");
  const { stdout } = await built(folder, "webpack", ["--mode", "production"]);
  assert.match(stdout, /compiled successfully/);
  const site = join(folder, "dist");
  const copies = (await readdir(site)).filter((name) => name.endsWith(".wasm"));
  assert.equal(copies.length, 1);
  await writeFile(join(site, "index.html"), '<!doctype html><title>consumer</title><script src="./main.js"></script>');
  const server = await serve(t, site);
  assertWorks(await resultOf(t, `${server.origin}/`));
  assert.ok(server.served.includes(`/${copies[0]}`));
});
