// The hints that the README has for pages without a bundler: a script that is missing there costs a round trip, one too many is
// loaded for nothing.
import assert from "node:assert/strict";
import { basename, join } from "node:path";
import { test } from "node:test";

import { build } from "esbuild";

import { hints } from "../load/browser/plain.mjs";
import { consumer } from "./support/consumer.mjs";

/** What each script of the package imports at once. */
async function imports(folder, entries) {
  const { metafile } = await build({
    absWorkingDir: folder,
    entryPoints: entries.map((entry) => join("node_modules/smartcar-connect", entry)),
    outdir: join(folder, "out"),
    bundle: true,
    splitting: true,
    format: "esm",
    metafile: true,
    write: false,
    logLevel: "silent",
  });
  const scripts = Object.entries(metafile.inputs).map(([file, { imports }]) => {
    const atOnce = imports.filter(({ kind }) => kind === "import-statement");
    return [basename(file), atOnce.map(({ path }) => basename(path))];
  });
  return new Map(scripts);
}

function withAllImports(script, imports, found = new Set()) {
  if (found.has(script)) return found;
  found.add(script);
  for (const other of imports.get(script)) withAllImports(other, imports, found);
  return found;
}

test("the hints of the README are what a page without a bundler loads, and what its first click loads", async (t) => {
  const { folder } = await consumer(t);
  const [own, byTheClick, ...more] = await hints();
  assert.deepEqual(more, []);
  const graph = await imports(folder, ["index.js", "connect.js", "start.js"]);
  const file = (line) => /href="\/smartcar-connect\/([^"]+)"/.exec(line)?.[1];
  const scripts = (lines) => lines.filter((line) => line.includes('"modulepreload"')).map(file);
  const first = withAllImports("index.js", graph);
  assert.deepEqual(new Set(own.map(file)), first);
  const byStart = new Set(["connect.js", "start.js"].flatMap((script) => [...withAllImports(script, graph)]));
  const later = [...byStart].filter((script) => !first.has(script));
  assert.deepEqual(scripts(byTheClick).toSorted(), later.toSorted());
  // As `fetch` asks for it: otherwise it would be loaded twice.
  const others = byTheClick.filter((line) => !line.includes('"modulepreload"'));
  assert.deepEqual(others, ['<link rel="preload" href="/smartcar-connect/connect_bg.wasm" as="fetch" crossorigin>']);
});
