// In esbuild, which leaves the module's file behind: without a setting, in every format, the bundle has to bring it itself.
import assert from "node:assert/strict";
import { copyFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { build } from "esbuild";

import { consumer } from "./support/consumer.mjs";
import { resultOf, serve } from "./support/pages.mjs";

const files = (entry) => ({
  "index.html": '<!doctype html><title>consumer</title><script type="module" src="./page.js"></script>',
  "main.js": `
    import { createState, hasCallback, init } from "${entry}";
    if (hasCallback()) throw new Error("there is no callback here");
    init().then(() => (globalThis.result = createState()), (error) => (globalThis.result = String(error)));`,
});

for (const [entry, options] of [
  ["smartcar-connect", {}],
  ["smartcar-connect", { format: "esm" }],
  ["smartcar-connect", { format: "esm", splitting: true, minify: true }],
  ["smartcar-connect/inline", {}],
]) {
  test(`a bundle of ${entry} with ${JSON.stringify(options)} runs, and nothing is complained of`, async (t) => {
    const { folder } = await consumer(t, files(entry));
    const { warnings } = await build({
      absWorkingDir: folder,
      entryPoints: { page: "main.js" },
      outdir: join(folder, "site"),
      bundle: true,
      logLevel: "silent",
      ...options,
    });
    assert.deepEqual(warnings, []);
    const built = await readdir(join(folder, "site"));
    assert.ok(built.every((name) => name.endsWith(".js")), built.join("\n"));
    await copyFile(join(folder, "index.html"), join(folder, "site", "index.html"));
    const server = await serve(t, join(folder, "site"));
    assert.match(await resultOf(t, `${server.origin}/`), /^smartcar-connect\.[\w-]{43}$/);
  });
}
