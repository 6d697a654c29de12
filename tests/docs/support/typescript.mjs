// JavaScript and TypeScript of the documentation, by the compiler, against the packages as they are packed.
import { copyFile, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";

import { consumer, run } from "../../package/support/consumer.mjs";
import { ROOT } from "./blocks.mjs";

/** Files of the reader's own that a block imports: each is there for another test. */
const BESIDE = { "tests/simulator/npm/app.mjs": "tests/package/consumers/playwright/app.mjs" };
const DECLARATIONS = ["names.d.ts", "modules.d.ts"];
const COMPILER_OPTIONS = {
  target: "esnext",
  module: "esnext",
  moduleResolution: "bundler",
  moduleDetection: "force",
  lib: ["esnext", "dom", "dom.iterable", "dom.asynciterable"],
  types: ["node"],
  typeRoots: [join(ROOT, "node_modules/@types")],
  noEmit: true,
  skipLibCheck: true,
  // Where a page without a bundler has its copy.
  paths: { "/smartcar-connect/*": ["./node_modules/smartcar-connect/*"] },
  allowJs: true,
  checkJs: true,
};
/** JavaScript is judged as an editor does; TypeScript has to be strict. */
const STRICT = { js: false, ts: true };

/** Fails with what the compiler says, at the lines of the pages. */
export async function compile(t, blocks) {
  const { folder } = await consumer(t);
  const simulator = join(folder, "node_modules/smartcar-connect-simulator");
  await symlink(join(ROOT, "dist/simulator"), simulator);
  for (const name of DECLARATIONS) await copyFile(join(ROOT, "tests/docs", name), join(folder, name));
  for (const [name, source] of Object.entries(BESIDE)) {
    await mkdir(join(folder, name, ".."), { recursive: true });
    await writeFile(join(folder, name), `// @ts-nocheck\n${await readFile(join(ROOT, source), "utf8")}`);
  }
  for (const [language, strict] of Object.entries(STRICT)) {
    const files = [];
    for (const block of blocks.filter((one) => one.language === language)) {
      const name = `${block.file}.${block.line}.${language}`;
      await mkdir(join(folder, name, ".."), { recursive: true });
      // Lines are those of the page.
      await writeFile(join(folder, name), "\n".repeat(block.line) + block.text);
      files.push(name);
    }
    if (files.length === 0) continue;
    const tsconfig = `tsconfig.${language}.json`;
    await writeFile(join(folder, tsconfig), JSON.stringify({ compilerOptions: { ...COMPILER_OPTIONS, strict }, files: [...DECLARATIONS, ...files] }));
    await run(folder, process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "--project", tsconfig, "--pretty", "false"]);
  }
}
