// Ruby of the documentation can be parsed, by Ruby's own parser.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

import { eachBlock, inLanguage } from "../support/blocks.mjs";

const { resolve } = createRequire(new URL("../../../docs/site/package.json", import.meta.url));
const { loadPrism } = await import(pathToFileURL(resolve("@ruby/prism")));

test("Ruby can be parsed", async () => {
  const parse = await loadPrism();
  const errorsOf = (text) => parse(text).errors.map(({ message }) => message);
  assert.notDeepEqual(errorsOf("def index"), []);
  eachBlock(inLanguage("ruby"), ({ text }) => errorsOf(text));
});
