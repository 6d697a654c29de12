// The declarations of the entries for frameworks, with the frameworks' own. Those of React 18 stand in for React's in a second round.
import { rename, rm, writeFile } from "node:fs/promises";
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

async function compile(compiler, skipLibCheck, files) {
  for (const [moduleResolution, module] of [["bundler", "esnext"], ["nodenext", "nodenext"]]) {
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

test("react.tsx compiles with the types of React 18", async () => {
  const types = join(folder, "node_modules/@types/react");
  await rm(types, { recursive: true });
  await rename(join(folder, "node_modules/types-react-18"), types);
  await compile("typescript", false, ["react.tsx"]);
});
