// The fenced blocks of the documentation.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const ROOT = new URL("../../../", import.meta.url).pathname;

/** Every page that people read: the documentation, and what comes with the packages and the examples. */
export const PAGES = globSync(
  ["*.md", "docs/*.md", "docs/site/*.md", "pkg-template/**/*.md", "tests/simulator/**/*.md", "examples/**/*.md"],
  { cwd: ROOT, exclude: (name) => String(name).includes("node_modules") },
).sort();

export const read = (file) => readFileSync(join(ROOT, file), "utf8");

/** @typedef {{ file: string, line: number, language: string, text: string, heading: string }} Block */

/** The blocks of a page: where each begins, in which language, under which heading. A block in a list loses its indentation. */
export function blocksOf(file) {
  const blocks = [];
  let open = null;
  let heading = "";
  read(file)
    .split("\n")
    .forEach((line, index) => {
      const [, indentation, language] = /^(\s*)```(.*)$/.exec(line) ?? [];
      if (open === null && language === undefined) [, heading = heading] = /^#+ (.*)$/.exec(line) ?? [];
      else if (open === null) open = { file, line: index + 1, language, heading, indentation, lines: [] };
      else if (language === undefined) open.lines.push(line.startsWith(open.indentation) ? line.slice(open.indentation.length) : line);
      else {
        const { lines, indentation: _, ...block } = open;
        blocks.push({ ...block, text: lines.join("\n") });
        open = null;
      }
    });
  if (open) throw new Error(`${file}:${open.line} begins a block that has no end`);
  return blocks;
}

export const BLOCKS = PAGES.flatMap(blocksOf);

/** The blocks in these languages, of which there have to be some. */
export function inLanguage(...languages) {
  const found = BLOCKS.filter(({ language }) => languages.includes(language));
  if (found.length === 0) throw new Error(`no block is in ${languages}`);
  return found;
}

/** Says with an error which block it is about. */
export function eachBlock(blocks, check) {
  const wrong = blocks.flatMap((block) => {
    try {
      return [...(check(block) ?? [])].map((what) => `${block.file}:${block.line}: ${what}`);
    } catch (error) {
      return [`${block.file}:${block.line}: ${error.message}`];
    }
  });
  if (wrong.length > 0) throw new Error(wrong.join("\n"));
}
