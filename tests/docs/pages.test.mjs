// The side bar of the site has every page once: a page that nobody is led to is not read.
import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { test } from "node:test";

import { PAGES, SIDE_BAR, addressOf } from "../../docs/site/pages.mjs";
import { ROOT } from "./support/blocks.mjs";

test("every page of docs/ is in the side bar, once", () => {
  const inSideBar = PAGES.map(({ source }) => source).filter((source) => source.startsWith("docs/"));
  assert.deepEqual(inSideBar.sort(), globSync("docs/*.md", { cwd: ROOT }).sort(), "mend docs/site/pages.mjs");
});

test("no two entries of the side bar lead to one place or have one name", () => {
  const entries = SIDE_BAR.flatMap(({ items }) => items);
  for (const of of [addressOf, ({ text }) => text]) assert.equal(new Set(entries.map(of)).size, entries.length);
});
