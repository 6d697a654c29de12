// The declarations, by the compiler itself, in the two ways in which projects resolve packages today.
import assert from "node:assert/strict";
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { ROOT, consumer, run } from "./support/consumer.mjs";

for (const [moduleResolution, module] of [
  ["bundler", "esnext"],
  ["nodenext", "nodenext"],
]) {
  test(`the types are exact with moduleResolution ${moduleResolution}`, async (t) => {
    const { folder } = await consumer(t);
    await copyFile(join(ROOT, "tests/package/types/usage.ts"), join(folder, "usage.ts"));
    const compilerOptions = {
      module,
      moduleResolution,
      target: "es2022",
      lib: ["es2022", "dom"],
      types: [],
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      noEmit: true,
    };
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["usage.ts"] }));
    await run(folder, "tsc", ["--project", "."]);
  });
}

test("the code of every error that the JavaScript of the package throws is in the types", async (t) => {
  const { installed } = await consumer(t);
  const types = await readFile(join(installed, "connect.d.ts"), "utf8");
  const loader = await readFile(join(installed, "loader.js"), "utf8");
  const codes = [...loader.matchAll(/new ConnectError\(\s*"(\w+)"/g)].map(([, code]) => code);
  assert.deepEqual(codes.sort(), ["internal", "not_initialized", "wasm_blocked", "wasm_unavailable"]);
  for (const code of codes) assert.ok(types.includes(`| "${code}"`), code);
});
