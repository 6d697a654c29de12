// What is published: exactly these files, and what package.json says of them.
import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { test } from "node:test";

import { ROOT, consumer } from "./support/consumer.mjs";

const FILES = [
  "CHANGELOG.md",
  "LICENSE-APACHE",
  "LICENSE-MIT",
  "README.md",
  "THIRD-PARTY-LICENSES",
  "cli/doctor-command.js",
  "cli/doctor.js",
  "cli/doctor_bg.wasm",
  "cli/init.js",
  "cli/judge.js",
  "cli/main.js",
  "cli/questions.js",
  "cli/sealing-key.js",
  "cli/simulator.js",
  "cli/terminal.js",
  "client.js",
  "connect.js",
  "connect.wasm.d.ts",
  "connect_bg.wasm",
  "connect_bg.wasm.js",
  "connections.js",
  "element.d.ts",
  "element.js",
  "errors.js",
  "finish.js",
  "index.d.ts",
  "index.js",
  "inline.d.ts",
  "inline.js",
  "node.js",
  "package.json",
  "page.js",
  "platform.d.ts",
  "popup.js",
  "react-button.d.ts",
  "react-button.js",
  "react-context.js",
  "react.d.ts",
  "react.js",
  "session.js",
  "start.js",
  "store.d.ts",
  "store.js",
  "svelte.d.ts",
  "svelte.js",
  "template/package.json",
  "template/worker/index.js",
  "template/wrangler.jsonc",
  "types.d.ts",
  "vehicle.d.ts",
  "vehicle.js",
  "vue.d.ts",
  "vue.js",
  "worker/build/index.js",
  "worker/build/index_bg.wasm",
  "worker/index.d.ts",
  "worker/index.js",
  "workerd.js",
];

test("the tarball holds these files and no others", async (t) => {
  const { installed } = await consumer(t);
  const there = await readdir(installed, { recursive: true, withFileTypes: true });
  const files = there.filter((entry) => entry.isFile());
  assert.deepEqual(files.map(({ parentPath, name }) => relative(installed, join(parentPath, name))).sort(), FILES);
});

test("package.json: types first, the special before the general, nothing run at installation", async (t) => {
  const { installed } = await consumer(t);
  const json = JSON.parse(await readFile(join(installed, "package.json"), "utf8"));
  for (const [path, conditions] of Object.entries(json.exports)) {
    if (typeof conditions === "string") continue;
    const names = Object.keys(conditions);
    assert.equal(names[0], "types", path);
    assert.equal(names.at(-1), "default", path);
  }
  assert.deepEqual(Object.keys(json.exports["."]), ["types", "workerd", "node", "default"]);
  for (const target of Object.values(json.exports).flatMap((value) => Object.values(Object(value)))) {
    if (target.startsWith?.("./")) assert.ok(FILES.includes(target.slice(2)), target);
  }
  for (const entry of ["element.js", "index.js", "inline.js", "node.js", "workerd.js"]) {
    assert.ok(json.sideEffects.includes(`./${entry}`), `a bundler may drop what ${entry} does when it is imported`);
  }
  assert.equal(json.scripts, undefined);
  assert.equal(json.dependencies, undefined);
  assert.deepEqual(Object.keys(json.peerDependencies), ["react", "vue"]);
  for (const name of Object.keys(json.peerDependencies)) assert.equal(json.peerDependenciesMeta[name].optional, true, name);
  const crate = /^version = "(.+)"$/m.exec(await readFile(join(ROOT, "Cargo.toml"), "utf8"))[1];
  assert.equal(json.version, crate);
});

test("the module's address stands in one file only, so that bundlers copy it once", async (t) => {
  const { installed } = await consumer(t);
  const scripts = (await readdir(installed)).filter((name) => name.endsWith(".js"));
  const found = [];
  for (const name of scripts) {
    if (/new URL\([^)]*wasm/.test(await readFile(join(installed, name), "utf8"))) found.push(name);
  }
  assert.deepEqual(found, ["index.js"]);
});

/** What a script imports that is no script of the package. */
const ELSEWHERE = { "react-button.js": ["react"], "react-context.js": ["react"], "react.js": ["react"], "vue.js": ["vue"], "workerd.js": ["./connect_bg.wasm"] };

test("no script needs a platform's own modules, or a file beside it but scripts", async (t) => {
  const { installed } = await consumer(t);
  for (const name of (await readdir(installed)).filter((name) => name.endsWith(".js"))) {
    const script = await readFile(join(installed, name), "utf8");
    const imported = [...script.matchAll(/(?:\bfrom|\bimport) *\(? *"([^"]+)"/g)].map(([, from]) => from);
    const strange = imported.filter((from) => !/^\.\/[\w.-]+\.js$/.test(from));
    assert.deepEqual(strange, ELSEWHERE[name] ?? [], name);
  }
});
