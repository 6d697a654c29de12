// VitePress looks whether the page is there that a link leads to; this, whether the place in it is.
import { readFile } from "node:fs/promises";
import { glob } from "node:fs/promises";
import path from "node:path";

/** Fails if a link of the built site leads to a place that its page does not have. */
export async function checkPlaces(folder) {
  const pages = new Map();
  for await (const name of glob("**/*.html", { cwd: folder })) pages.set(name, await readFile(path.join(folder, name), "utf8"));
  const places = new Map([...pages].map(([name, html]) => [name, new Set([...html.matchAll(/ (?:id|name)="([^"]+)"/g)].map(([, id]) => id))]));
  const base = process.env.DOCS_BASE ?? "/";
  const lost = [];
  for (const [name, html] of pages) {
    for (const [, href] of html.matchAll(/ href="([^"]*#[^"]+)"/g)) {
      if (/^[a-z]+:/.test(href)) continue;
      const [address, place] = href.split("#");
      const target = address === "" ? name : path.posix.join(address.startsWith(base) ? address.slice(base.length) : path.posix.join(path.posix.dirname(name), address));
      const file = target === "." || target === "" || target.endsWith("/") ? path.posix.join(target, "index.html") : target;
      if (!places.get(file)?.has(decodeURIComponent(place).replaceAll("&amp;", "&"))) lost.push(`${name}: ${href}`);
    }
  }
  if (lost.length > 0) throw new Error(`links to places that are not there:\n${[...new Set(lost)].join("\n")}`);
}
