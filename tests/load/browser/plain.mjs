// A page without a bundler, which takes the package's files as they are: each level of imports costs it a round trip, unless the
// page says beforehand what comes. It says so with the lines of the package's README.
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";

import { repository } from "../../edge/harness/paths.mjs";

const FOLDER = "/smartcar-connect/";

const PAGE = (hints) => `<!doctype html><meta charset="utf-8"><title>Cars</title>
${hints.join("\n")}
<button disabled>Connect your car</button><script type="module" src="/plain.js"></script>`;

/** As `apps/page.js` times it, without what that has for others. */
const SCRIPT = `import { start } from "${FOLDER}index.js";
const button = document.querySelector("button");
button.onclick = async () => {
  const began = performance.now();
  const { url } = await start({ navigate: false, redirectUri: location.origin + "/cars" });
  globalThis.clicked = { ms: performance.now() - began, result: url };
};
button.disabled = false;
globalThis.ready = performance.now();
`;

/** The blocks of hints in the README: what the page loads in any case, and what it loads by the click. */
export async function hints() {
  const readme = await readFile(path.join(repository, "pkg-template/README.md"), "utf8");
  const blocks = [...readme.matchAll(/```html\n(.*?)```/gs)].map(([, block]) => block.match(/<link rel="(?:module)?preload".*>/g));
  return blocks.filter((block) => block !== null);
}

/** Puts such pages into what is served: one without hints, one with those for its own scripts, one with all. */
export async function plainPages(folder, built) {
  await cp(path.join(folder, "node_modules/smartcar-connect"), path.join(built, FOLDER), { recursive: true });
  await writeFile(path.join(built, "plain.js"), SCRIPT);
  const [own, byTheClick] = await hints();
  const pages = { plain: [], plainOwn: own, plainAll: [...own, ...byTheClick] };
  for (const [name, lines] of Object.entries(pages)) {
    await mkdir(path.join(built, name));
    await writeFile(path.join(built, name, "index.html"), PAGE(lines));
  }
}
