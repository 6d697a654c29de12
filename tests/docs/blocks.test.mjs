// Every fenced block of the documentation is what it says that it is: it compiles, parses, or names what is there.
import assert from "node:assert/strict";
import { test } from "node:test";

import { transformSync } from "esbuild";

import { BLOCKS, PAGES, eachBlock, inLanguage, read } from "./support/blocks.mjs";
import { OPERATIONS, bodiesOf, fits, isRoute } from "./support/description.mjs";
import { TARGETS, wrongWithShell } from "./support/shell.mjs";
import { compile } from "./support/typescript.mjs";
import { wrongWith } from "./support/wrangler.mjs";

/** By which test each language is looked at. */
const LANGUAGES = {
  js: "compiled below",
  ts: "compiled below",
  jsx: "parsed below",
  tsx: "parsed below",
  vue: "its script is parsed below",
  svelte: "its script is parsed below",
  html: "looked through below, its scripts compiled",
  json: "parsed below, in docs/http-api.md held to the description",
  jsonc: "members of wrangler.jsonc: held to wrangler's schema below",
  toml: "wrangler's configuration: held to its schema below",
  sh: "parsed below, its commands are looked up",
  sql: "held to the dataset of its page below",
  http: "its headers are parsed below",
  rust: "compiled by rustdoc, in README.md alone",
  ruby: "parsed by tests/docs/site/ruby.test.mjs",
  text: "for people alone",
};

const scriptsOf = (block) =>
  [...block.text.matchAll(/<script\b[^>]*>\n?([\s\S]*?)<\/script>/g)].map(([whole, text], index) => ({
    ...block,
    line: block.line + block.text.slice(0, block.text.indexOf(whole)).split("\n").length + index / 10,
    text,
  }));

test("every block says in which language it is, and there is a test for that", () => {
  assert.ok(PAGES.includes("README.md") && PAGES.includes("docs/users.md") && PAGES.includes("pkg-template/README.md"));
  eachBlock(BLOCKS, ({ language, file }) => {
    if (!Object.hasOwn(LANGUAGES, language)) return [`nothing looks at blocks in \`${language}\``];
    return language === "rust" && file !== "README.md" ? ["rustdoc compiles the Rust of README.md alone"] : [];
  });
});

test("JavaScript and TypeScript compile against the packages, also in HTML", async (t) => {
  const inHtml = inLanguage("html").flatMap(scriptsOf).filter(({ text }) => text.trim() !== "");
  assert.notEqual(inHtml.length, 0);
  await compile(t, [...BLOCKS.filter(({ language }) => ["js", "ts"].includes(language)), ...inHtml.map((script) => ({ ...script, language: "js" }))]);
});

test("what frameworks compile can be parsed", () => {
  const wholes = BLOCKS.filter(({ language }) => ["jsx", "tsx"].includes(language));
  const scripts = BLOCKS.filter(({ language }) => ["vue", "svelte"].includes(language)).flatMap(scriptsOf);
  eachBlock([...wholes, ...scripts], ({ text, language }) => {
    transformSync(text, { loader: ["jsx", "tsx"].includes(language) ? language : "ts", logLevel: "silent" });
  });
});

test("links and forms in HTML lead to routes of the Worker, and to anything else of the app's", () => {
  eachBlock(inLanguage("html"), function* ({ text }) {
    for (const [, path] of text.matchAll(/(?:action|href)="\/smartcar(\/[^"?]+)/g)) if (!isRoute(path)) yield `there is no route ${path}`;
  });
});

test("JSON can be parsed, and what the HTTP API takes and answers is as its description has it", () => {
  eachBlock(inLanguage("json"), function* ({ text, file, heading }) {
    const examples = isWhole(text) ? [JSON.parse(text)] : text.split("\n").map((line) => JSON.parse(line));
    if (file !== "docs/http-api.md") return;
    const named = [...heading.matchAll(/`([A-Z]+) ([^`]+)`/g)];
    const found = OPERATIONS.filter((one) => named.some(([, method, path]) => one.method === method && one.path === path));
    if (found.length === 0) yield `\`${heading}\` names no operation of docs/openapi.json`;
    const known = [...found.flatMap(({ operation }) => bodiesOf(operation)), ...PARTS];
    for (const example of examples) if (!known.some((schema) => fits(example, schema))) yield `neither taken nor answered: ${JSON.stringify(example)}`;
  });
});

/** Parts of an answer that are explained by themselves. */
const PARTS = [{ $ref: "#/components/schemas/Replaced" }];

function isWhole(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

test("wrangler reads what is for its configuration, its schema knows it, and each variable is a setting", () => {
  eachBlock(inLanguage("toml", "jsonc"), wrongWith);
});

test("commands can be parsed, and what they call is there", () => {
  eachBlock(inLanguage("sh"), ({ text }) => wrongWithShell(text));
});

test("every `make` that a text names is there", () => {
  for (const page of PAGES) {
    const targets = [...read(page).matchAll(/`(?:[A-Z_]+=\S+ )*make ([a-z-]+)/g)].map(([, target]) => target);
    for (const target of targets) assert.ok(TARGETS.includes(target), `${page}: make ${target}`);
  }
});

test("a query of the metrics asks the dataset that its page binds", () => {
  eachBlock(inLanguage("sql"), function* ({ file, text }) {
    const bound = BLOCKS.filter((block) => block.file === file && block.language === "toml").map((block) => /^dataset = "(\w+)"/m.exec(block.text)?.[1]);
    const [, asked] = /\bFROM (\w+)/.exec(text) ?? [];
    if (!bound.includes(asked)) yield `no block of the page binds the dataset \`${asked}\``;
    for (const [column] of text.matchAll(/\b(?:blob|double|index)\d+\b/g)) {
      if (!read(file).includes(`\`${column}\``)) yield `the page does not say what \`${column}\` is`;
    }
  });
});

test("a header is a name and a value", () => {
  eachBlock(inLanguage("http"), ({ text }) => text.split("\n").filter((line) => !/^[A-Z][\w-]*: \S/.test(line)));
});
