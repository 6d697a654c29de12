// The functions and types of the npm package, by TypeDoc, from the declarations that it is packed with.
import { appendFile, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Application } from "typedoc";
import { ROOT } from "./sources.mjs";

const DECLARATIONS = [
  "pkg-template/index.d.ts",
  "pkg-template/platform.d.ts",
  "pkg-template/vehicle.d.ts",
  "src/browser/types.d.ts",
];
const COMPILER_OPTIONS = { target: "es2022", module: "esnext", moduleResolution: "bundler", lib: ["es2022", "dom"], types: [], strict: true };

/** Types of hundreds of members that are read best as they are declared. */
const AS_DECLARED = ["SmartcarV2", "SmartcarV3"];
const ENDPOINTS = `The endpoints that \`vehicle(id)\` knows, what they take and what they answer. [Reading and commanding
cars](/vehicles-api.html) says what is passed on, and with which permission.`;

const INTRODUCTION = `# Functions and types of the package

From the declarations of the npm package, by TypeDoc. [The npm package](/package.html) tells them in context, and
[Errors](/errors.html) has every code of a \`ConnectError\`.
`;

async function introduce(folder) {
  const index = path.join(folder, "index.md");
  const text = await readFile(index, "utf8");
  await writeFile(index, text.replace(/^# .*\n/, INTRODUCTION));
}

async function writeAsDeclared(folder) {
  const declarations = await readFile(path.join(ROOT, "pkg-template/vehicle.d.ts"), "utf8");
  for (const name of AS_DECLARED) {
    const [declaration] = new RegExp(`^export interface ${name} \\{$[\\s\\S]*?^\\}$`, "m").exec(declarations) ?? [];
    if (!declaration) throw new Error(`pkg-template/vehicle.d.ts does not declare \`${name}\` any more: mend docs/site/build/types.mjs`);
    const page = `# Interface: ${name}\n\n${ENDPOINTS}\n\n\`\`\`ts\n${declaration}\n\`\`\`\n`;
    await writeFile(path.join(folder, `interfaces/${name}.md`), page);
  }
  await appendFile(path.join(folder, "type-aliases/ConnectErrorCode.md"), "\n[Errors](/errors.html) says what each means, and what to do.\n");
}

/** Writes a page for each function and type into `folder`. */
export async function writeTypes(folder) {
  const work = await mkdtemp(path.join(tmpdir(), "smartcar-connect-types-"));
  try {
    for (const file of DECLARATIONS) await copyFile(path.join(ROOT, file), path.join(work, path.basename(file)));
    await writeFile(path.join(work, "package.json"), '{ "name": "smartcar-connect", "type": "module" }\n');
    const tsconfig = path.join(work, "tsconfig.json");
    await writeFile(tsconfig, JSON.stringify({ compilerOptions: COMPILER_OPTIONS, files: ["index.d.ts"] }));
    await mkdir(folder, { recursive: true });
    const application = await Application.bootstrapWithPlugins({
      entryPoints: [path.join(work, "index.d.ts")],
      tsconfig,
      plugin: ["typedoc-plugin-markdown"],
      name: "smartcar-connect",
      readme: "none",
      entryFileName: "index",
      out: folder,
      disableSources: true,
      hideBreadcrumbs: true,
      hidePageHeader: true,
      useCodeBlocks: true,
      expandObjects: false,
      parametersFormat: "list",
      logLevel: "Error",
      // Helpers of the declarations, which nobody can import.
      validation: { notExported: false },
      sort: ["alphabetical"],
      groupOrder: ["Functions", "Classes", "Interfaces", "Type Aliases"],
      indexFormat: "table",
    });
    const project = await application.convert();
    if (!project || application.logger.hasErrors()) throw new Error("TypeDoc can't read the declarations of the package");
    await application.generateOutputs(project);
    if (application.logger.hasErrors()) throw new Error("TypeDoc can't write the pages of the package's types");
    await introduce(folder);
    await writeAsDeclared(folder);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
