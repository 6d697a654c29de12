// The declarations of the entries for frameworks, with the frameworks' own, and what the documentation shows of them. Those of React 18 stand in for React's in a second round.
import assert from "node:assert/strict";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";

import { ROOT, run } from "../support/consumer.mjs";
import { project } from "../support/project.mjs";

let folder;
before(async () => {
  folder = await project("typescript");
});

/** The oldest compiler can't read all that the frameworks declare; what they declare for it is checked where it is used. */
const COMPILERS = [
  ["typescript-oldest", true],
  ["typescript", false],
];

const RESOLUTIONS = [
  ["bundler", "esnext"],
  ["nodenext", "nodenext"],
];

async function compile(compiler, skipLibCheck, files, resolutions = RESOLUTIONS) {
  for (const [moduleResolution, module] of resolutions) {
    const compilerOptions = { target: "es2022", lib: ["es2022", "dom", "dom.iterable"], jsx: "react-jsx", strict: true, noEmit: true, types: [] };
    const options = { ...compilerOptions, exactOptionalPropertyTypes: true, skipLibCheck, module, moduleResolution };
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: options, files }));
    await run(folder, process.execPath, [join(ROOT, "node_modules", compiler, "bin/tsc"), "--project", "."]);
  }
}

for (const [compiler, skipLibCheck] of COMPILERS) {
  for (const file of ["react.tsx", "vue.ts", "svelte.ts"]) {
    test(`${file} compiles with ${compiler}`, () => compile(compiler, skipLibCheck, [file]));
  }
}

for (const [page, fewest] of [["docs/frameworks.md", 4], ["pkg-template/README.md", 1]]) {
  test(`what ${page} has for these compiles`, async () => {
    const text = await readFile(join(ROOT, page), "utf8");
    const blocks = [...text.matchAll(/```(tsx?|jsx)\n(.*?)```/gs)];
    assert.ok(blocks.length >= fewest, String(blocks.length));
    await writeFile(join(folder, "auth.ts"), 'export const accessToken = async () => "jwt";');
    await writeFile(join(folder, "vue.d.ts"), 'declare module "*.vue" { const component: import("vue").Component; export default component; }');
    const files = blocks.map(([, kind], index) => `block-${index}.${kind === "ts" ? "ts" : "tsx"}`);
    await Promise.all(blocks.map(([, , code], index) => writeFile(join(folder, files[index]), code)));
    await compile("typescript", true, [...files, "vue.d.ts"], [["bundler", "esnext"]]);
  });
}

test("react.tsx compiles with the types of React 18", async () => {
  const types = join(folder, "node_modules/@types/react");
  await rm(types, { recursive: true });
  await rename(join(folder, "node_modules/types-react-18"), types);
  await compile("typescript", false, ["react.tsx"]);
});
