// What a page pays before anything is called: the scripts of its first view, after an app's bundler. `make build` prints the whole.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { brotliCompressSync } from "node:zlib";

import { build } from "esbuild";

import { consumer } from "./support/consumer.mjs";

test("the module is at most 36,000 bytes after brotli", async (t) => {
  const { installed } = await consumer(t);
  const size = brotliCompressSync(await readFile(join(installed, "connect_bg.wasm"))).length;
  t.diagnostic(`${size} bytes after brotli`);
  assert.ok(size <= 36_000, `${size} bytes after brotli`);
});

for (const [names, most, entry = "smartcar-connect"] of [
  ["hasCallback", 2650],
  ["connections, finish, hasCallback, popup, start", 3000],
  // All of the functions, and what they need to know who calls.
  ["createConnect", 3450],
  // The same, and the state of a page, without the frameworks themselves.
  ["createConnectStore", 5200, "smartcar-connect/store"],
  // It also refuses a caller that comes later than the provider.
  ["SmartcarConnectProvider, useSmartcarConnect", 5700, "smartcar-connect/react"],
  // The element too, and not the provider.
  ["SmartcarConnectButton", 7550, "smartcar-connect/react-button"],
  ["smartcarConnect, useSmartcarConnect", 5400, "smartcar-connect/vue"],
  ["smartcarConnect", 5250, "smartcar-connect/svelte"],
  ["SmartcarConnectButton", 7100, "smartcar-connect/element"],
]) {
  test(`an app that uses ${names} of ${entry} loads at most ${most} bytes of it with its first view`, async (t) => {
    const { folder } = await consumer(t, { "main.js": `import { ${names} } from "${entry}"; globalThis.used = [${names}];` });
    await build({
      absWorkingDir: folder,
      entryPoints: ["main.js"],
      outdir: join(folder, "site"),
      bundle: true,
      minify: true,
      splitting: true,
      format: "esm",
      logLevel: "silent",
      metafile: true,
      external: ["react", "vue"],
    }).then(async ({ metafile }) => {
      const outputs = Object.entries(metafile.outputs);
      const first = new Set();
      const add = (file) => {
        first.add(file);
        for (const { path, kind } of metafile.outputs[file].imports) {
          if (kind === "import-statement" && path in metafile.outputs && !first.has(path)) add(path);
        }
      };
      add(outputs.find(([, { entryPoint }]) => entryPoint === "main.js")[0]);
      let size = 0;
      for (const file of first) size += brotliCompressSync(await readFile(join(folder, file))).length;
      t.diagnostic(`${size} bytes after brotli`);
      assert.ok(size <= most, `${size} bytes after brotli`);
    });
  });
}
