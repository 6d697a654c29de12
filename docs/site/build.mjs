// Makes the site: `node build.mjs` into `dist/docs/`, `node build.mjs dev` on a server that follows what is edited.
import { isDev } from "./build/environment.mjs";

import { copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { watch } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build, createServer } from "vitepress";

import { writeOpenApi } from "./build/openapi.mjs";
import { checkPlaces } from "./build/places.mjs";
import { ROOT, textOf } from "./build/sources.mjs";
import { writeTypes } from "./build/types.mjs";
import { PAGES } from "./pages.mjs";

const SITE = fileURLToPath(new URL(".", import.meta.url));
/** What VitePress reads: the sources under the names that their pages have, and what is generated. */
const STAGE = path.join(SITE, "pages");
const OUT = path.join(ROOT, "dist/docs");

const stage = (page) => writeFile(path.join(STAGE, `${page.path}.md`), textOf(page));

async function stageAll() {
  await rm(STAGE, { recursive: true, force: true });
  await mkdir(path.join(STAGE, "public"), { recursive: true });
  await copyFile(path.join(SITE, "home.md"), path.join(STAGE, "index.md"));
  await copyFile(path.join(SITE, "icon.svg"), path.join(STAGE, "public/icon.svg"));
  await copyFile(path.join(ROOT, "docs/openapi.json"), path.join(STAGE, "public/openapi.json"));
  await Promise.all(PAGES.map(stage));
  await writeOpenApi(path.join(STAGE, "openapi"));
  await writeTypes(path.join(STAGE, "api"));
}

await stageAll();
if (isDev) {
  for (const source of new Set(PAGES.map((page) => page.source))) {
    watch(path.join(ROOT, source), () => PAGES.filter((page) => page.source === source).forEach(stage));
  }
  watch(path.join(SITE, "home.md"), () => copyFile(path.join(SITE, "home.md"), path.join(STAGE, "index.md")));
  const server = await createServer(SITE);
  await server.listen();
  server.printUrls();
} else {
  await build(SITE);
  await checkPlaces(OUT);
}
