// Links lead from file to file in the repository, and from page to page in the site.
import { statSync } from "node:fs";
import path from "node:path";
import { PAGES, REPOSITORY } from "../pages.mjs";
import { ROOT, anchorsOf } from "./sources.mjs";

const IN_REPOSITORY = [`${REPOSITORY}/blob/main/`, `${REPOSITORY}/tree/main/`];
/** Files that the site has as they are. */
const AS_THEY_ARE = { "docs/openapi.json": "/openapi.json" };

const pageOf = new Map(PAGES.map((page) => [`${page.path}.md`, page]));
const anchors = new Map(PAGES.map((page) => [page, anchorsOf(page)]));

/** The file and the place in it that a link of a file names, or null if that is elsewhere. */
function targetOf(link, source) {
  const inside = IN_REPOSITORY.find((start) => link.startsWith(start));
  const [file, hash = ""] = link.split("#");
  if (file === REPOSITORY && hash) return { file: "README.md", hash };
  if (inside) return { file: file.slice(inside.length), hash };
  if (/^[a-z]+:/i.test(link)) return null;
  return { file: file ? path.posix.join(path.posix.dirname(source), file) : source, hash };
}

/** Where a link of the page `name` leads in the site. */
export function inSite(link, name) {
  const page = pageOf.get(name);
  const target = page && targetOf(link, page.source);
  if (!target) return link;
  const { file, hash } = target;
  if (AS_THEY_ARE[file]) return AS_THEY_ARE[file];
  const ofFile = PAGES.filter(({ source }) => source === file);
  const found = ofFile.find(({ section }) => !section && !hash) ?? ofFile.find((one) => anchors.get(one).has(hash));
  // As VitePress makes the links of headings, by which its search knows where a section begins.
  if (found === page && hash) return `#${hash}`;
  if (found) return `/${found.path}.html${hash && `#${hash}`}`;
  if (file === "README.md" && !hash) return "/";
  const there = statSync(path.join(ROOT, file), { throwIfNoEntry: false });
  if (!there) throw new Error(`${page.source} links to ${link}, which is not there`);
  if (ofFile.some(({ section }) => !section)) throw new Error(`${page.source} links to ${link}: ${file} has no such heading`);
  return `${REPOSITORY}/${there.isDirectory() ? "tree" : "blob"}/main/${file}${hash && `#${hash}`}`;
}

/** A picture that is elsewhere becomes its words: a page asks nobody but the site. */
function asWords(token) {
  if (token.type !== "image" || !/^https?:/.test(token.attrGet("src"))) return;
  Object.assign(token, { type: "text", tag: "", attrs: null, children: null });
}

/** Has markdown-it lead links where the site has what they name. */
export function siteLinks(markdown) {
  markdown.core.ruler.push("site_links", ({ tokens, env }) => {
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      if (token.type === "link_open") token.attrSet("href", inSite(token.attrGet("href"), env.relativePath));
      else asWords(token);
    }
  });
}
