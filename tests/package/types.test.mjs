// The declarations, by the compiler itself: in the two ways in which projects resolve packages today, with the libraries of a
// page, of Node, and with none. `skipLibCheck` is off, as in projects that look closely.
import assert from "node:assert/strict";
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { ROOT, consumer, run } from "./support/consumer.mjs";

const SAME = `
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Same<A, B>) => {};`;
const RESOLUTIONS = [
  ["bundler", "esnext"],
  ["nodenext", "nodenext"],
];

/** The oldest one supported, which is the first that has `moduleResolution: "bundler"`, and the newest. */
const COMPILERS = ["typescript-oldest", "typescript"];

async function compile(t, source, { compiler = "typescript", text, ...options }) {
  const { folder } = await consumer(t);
  if (text) await writeFile(join(folder, source), text);
  else await copyFile(join(ROOT, "tests/package/types", source), join(folder, source));
  const compilerOptions = {
    target: "es2022",
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true,
    ...options,
  };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: [source] }));
  await run(folder, process.execPath, [join(ROOT, "node_modules", compiler, "bin/tsc"), "--project", "."]);
}

test("the oldest TypeScript is the one that the documentation names", async () => {
  const { version } = JSON.parse(await readFile(join(ROOT, "node_modules/typescript-oldest/package.json"), "utf8"));
  const [oldest] = /\d+\.\d+/.exec(version);
  assert.ok((await readFile(join(ROOT, "pkg-template/README.md"), "utf8")).includes(`TypeScript ${oldest}`));
});

for (const [moduleResolution, module] of RESOLUTIONS) {
  for (const compiler of COMPILERS) {
    test(`the types are exact in a page, with ${compiler} and moduleResolution ${moduleResolution}`, (t) =>
      compile(t, "usage.ts", { compiler, module, moduleResolution, lib: ["es2022", "dom"], types: [] }));

    test(`the types of the element and of the state are exact, with ${compiler} and moduleResolution ${moduleResolution}`, (t) =>
      compile(t, "element.ts", { compiler, module, moduleResolution, lib: ["es2022", "dom"], types: [] }));

    test(`a back end without any library compiles, with ${compiler} and moduleResolution ${moduleResolution}`, (t) =>
      compile(t, "backend.ts", { compiler, module, moduleResolution, lib: ["es2022"], types: [] }));
  }

  test(`a back end in Node compiles, with moduleResolution ${moduleResolution}`, (t) =>
    compile(t, "node.ts", {
      module,
      moduleResolution,
      lib: ["es2022"],
      types: ["node"],
      typeRoots: [join(ROOT, "node_modules/@types")],
    }));
}

for (const [version, name] of [
  ["v2", "SmartcarV2"],
  ["v3", "SmartcarV3"],
]) {
  test(`the endpoints of ${version} that are declared are those that the Worker passes on, with their queries`, async (t) => {
    const file = join(ROOT, `tests/conformance/${version}_endpoints.json`);
    const { endpoints } = JSON.parse(await readFile(file, "utf8"));
    const lines = ['import type { ' + name + ' } from "smartcar-connect";', SAME];
    const ofCars = endpoints.filter(({ path }) => path.startsWith("/vehicles/{id}"));
    for (const method of ["GET", "POST", "PUT", "DELETE"]) {
      const own = ofCars.filter((endpoint) => endpoint.method === method);
      const paths = own.flatMap(({ path, makes = [""], query = [] }) => {
        const below = path.slice("/vehicles/{id}".length) || "/";
        return makes.map((make) => [below.replace("{make}", make).replace(/\{\w+\}/, "${string}"), query]);
      });
      const union = paths.map(([path]) => `\`${path}\``).join(" | ") || "never";
      lines.push(`same<keyof ${name}["${method}"], ${union}>(true);`);
      for (const [path, query] of paths.filter(([, query]) => query.length > 0)) {
        const names = query.map((each) => `"${each}"`).join(" | ");
        lines.push(`same<${name}["${method}"]["${path}"]["query"], ${names}>(true);`);
      }
    }
    await compile(t, "endpoints.ts", { text: lines.join("\n"), module: "esnext", moduleResolution: "bundler", lib: ["es2022"], types: [] });
  });
}

test("the code of every error that the JavaScript of the package throws is in the types", async (t) => {
  const { installed } = await consumer(t);
  const types = await readFile(join(installed, "types.d.ts"), "utf8");
  const loader = await readFile(join(ROOT, "pkg-template/loader.js"), "utf8");
  const codes = [...loader.matchAll(/new ConnectError\(\s*"(\w+)"/g)].map(([, code]) => code);
  assert.deepEqual(codes.sort(), ["internal", "not_initialized", "script_unavailable", "wasm_blocked", "wasm_unavailable"]);
  for (const code of codes) assert.ok(types.includes(`| "${code}"`), code);
});
