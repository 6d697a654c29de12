// In workerd, bundled as wrangler does: modules are compiled at deployment there, and may not be later.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { build } from "esbuild";
import { Miniflare, NoOpLog, convertV4MiniflareOptions } from "miniflare";

import { consumer } from "./support/consumer.mjs";

const WASM = "connect_bg.wasm";

for (const [how, script] of [
  ["at once", "export default { fetch: () => new Response(createState()) };"],
  ["after `init`, too", "await init(); export default { fetch: () => new Response(createState()) };"],
]) {
  test(`a Worker that imports the package can use it ${how}`, async (t) => {
    const state = await answerOf(t, `import { createState, init } from "smartcar-connect"; ${script}`);
    assert.match(state, /^smartcar-connect\.[\w-]{43}$/);
  });
}

async function answerOf(t, script) {
  const { folder, installed } = await consumer(t, { "worker.js": script });
  const bundle = join(folder, "bundle.mjs");
  await build({
    absWorkingDir: folder,
    entryPoints: ["worker.js"],
    outfile: bundle,
    bundle: true,
    format: "esm",
    conditions: ["workerd", "worker", "browser"],
    external: ["*.wasm"],
    logLevel: "silent",
  });
  const worker = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      log: new NoOpLog(),
      telemetry: { enabled: false },
      compatibilityDate: "2026-10-20",
      modulesRoot: folder,
      modules: [
        { type: "ESModule", path: bundle },
        { type: "CompiledWasm", path: join(folder, WASM), contents: await readFile(join(installed, WASM)) },
      ],
    }),
  );
  t.after(() => worker.dispose());
  const response = await worker.dispatchFetch("http://localhost/");
  return response.text();
}
