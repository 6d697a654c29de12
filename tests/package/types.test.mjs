// The declarations, by the compiler itself: in the two ways in which projects resolve packages today, with the libraries of a
// page, of Node, and with none. `skipLibCheck` is off, as in projects that look closely.
import assert from "node:assert/strict";
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { ROOT, consumer, run } from "./support/consumer.mjs";

const RESOLUTIONS = [
  ["bundler", "esnext"],
  ["nodenext", "nodenext"],
];

async function compile(t, source, options) {
  const { folder } = await consumer(t);
  await copyFile(join(ROOT, "tests/package/types", source), join(folder, source));
  const compilerOptions = {
    target: "es2022",
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true,
    ...options,
  };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: [source] }));
  await run(folder, "tsc", ["--project", "."]);
}

for (const [moduleResolution, module] of RESOLUTIONS) {
  test(`the types are exact in a page, with moduleResolution ${moduleResolution}`, (t) =>
    compile(t, "usage.ts", { module, moduleResolution, lib: ["es2022", "dom"], types: [] }));

  test(`a back end without any library compiles, with moduleResolution ${moduleResolution}`, (t) =>
    compile(t, "backend.ts", { module, moduleResolution, lib: ["es2022"], types: [] }));

  test(`a back end in Node compiles, with moduleResolution ${moduleResolution}`, (t) =>
    compile(t, "node.ts", {
      module,
      moduleResolution,
      lib: ["es2022"],
      types: ["node"],
      typeRoots: [join(ROOT, "node_modules/@types")],
    }));
}

test("the code of every error that the JavaScript of the package throws is in the types", async (t) => {
  const { installed } = await consumer(t);
  const types = await readFile(join(installed, "types.d.ts"), "utf8");
  const loader = await readFile(join(installed, "loader.js"), "utf8");
  const codes = [...loader.matchAll(/new ConnectError\(\s*"(\w+)"/g)].map(([, code]) => code);
  assert.deepEqual(codes.sort(), ["internal", "not_initialized", "wasm_blocked", "wasm_unavailable"]);
  for (const code of codes) assert.ok(types.includes(`| "${code}"`), code);
});
