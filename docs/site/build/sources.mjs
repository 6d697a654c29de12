// The files of the repository as pages: a whole file, or one of its sections with its headings raised by one.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import path from "node:path";
import { slug } from "github-slugger";

export const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/** The lines of a text, and whether each is inside a fenced block. */
function* linesOf(text) {
  let fence = null;
  for (const line of text.split("\n")) {
    const [, mark] = /^\s*(`{3,})/.exec(line) ?? [];
    const isInside = fence !== null || mark !== undefined;
    if (mark && fence === null) fence = mark;
    else if (mark === fence) fence = null;
    yield { line, isInside };
  }
}

const plain = (heading) => heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/[`*]/g, "");

/** The text of a page, as it is in its source. */
export function textOf({ source, section }) {
  const text = readFileSync(path.join(ROOT, source), "utf8");
  if (!section) return text;
  const kept = [];
  let isIn = false;
  for (const { line, isInside } of linesOf(text)) {
    if (!isInside && line.startsWith("## ")) isIn = line === `## ${section}`;
    if (isIn) kept.push(!isInside && line.startsWith("##") ? line.slice(1) : line);
  }
  if (kept.length === 0) throw new Error(`${source} has no section \`${section}\`: mend docs/site/pages.mjs`);
  return kept.join("\n");
}

/** The places in a page that a link can lead to, as GitHub names them. */
export function anchorsOf(page) {
  const anchors = new Set();
  for (const { line, isInside } of linesOf(textOf(page))) {
    const [, heading] = (!isInside && /^#+ (.*)$/.exec(line)) || [];
    if (heading) anchors.add(slug(plain(heading)));
  }
  return anchors;
}
