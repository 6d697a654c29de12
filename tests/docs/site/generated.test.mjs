// What is generated has everything, and what was generated from is what is packed.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { ROOT, read } from "../support/blocks.mjs";
import { OPERATIONS } from "../support/description.mjs";
import { SITE } from "./server.mjs";

const text = (name) =>
  readFileSync(join(SITE, name), "utf8")
    .replace(/<[^>]+>/g, "")
    .replaceAll("&#x200B;", "")
    .replaceAll("&amp;", "&");

test("the overview of the HTTP API names every operation once", () => {
  const overview = readFileSync(join(SITE, "openapi/index.html"), "utf8");
  for (const { method, path } of OPERATIONS) {
    assert.equal(overview.split(`<code>${method} ${path}</code>`).length - 1, 1, `${method} ${path}`);
  }
});

test("every operation of the Worker's own has a section with what it takes and answers", () => {
  const written = ["connect", "connections", "session", "internal", "others"].map((name) => text(`openapi/${name}.html`)).join("\n");
  const own = OPERATIONS.filter(({ path }) => !path.startsWith("/api/"));
  assert.ok(own.length > 20);
  for (const { method, path, operation } of own) {
    assert.ok(written.includes(`${method} ${path}`), `${method} ${path}`);
    const names = Object.keys(operation.requestBody?.content?.["application/json"]?.schema?.properties ?? {});
    for (const name of names) assert.ok(written.includes(name), `${method} ${path}: ${name}`);
  }
});

test("every function and type of the package has a page", () => {
  const declarations = read("pkg-template/index.d.ts");
  const declared = [...declarations.matchAll(/^export (?:type|interface|class|function) (\w+)/gm)].map(([, name]) => name);
  const handedOn = [...declarations.matchAll(/^export type \{([^}]*)\}/gm)].flatMap(([, names]) => names.match(/\w+/g));
  const names = new Set([...declared, ...handedOn]);
  assert.ok(names.size > 60);
  const folders = ["classes", "functions", "interfaces", "type-aliases"];
  for (const name of names) {
    assert.ok(folders.some((folder) => existsSync(join(SITE, "api", folder, `${name}.html`))), name);
  }
});

test("the declarations are those of the package", () => {
  const sources = { "index.d.ts": "pkg-template", "vehicle.d.ts": "pkg-template", "types.d.ts": "src/browser" };
  for (const [name, folder] of Object.entries(sources)) {
    assert.equal(readFileSync(join(ROOT, folder, name), "utf8"), readFileSync(join(ROOT, "dist/package", name), "utf8"), name);
  }
});
