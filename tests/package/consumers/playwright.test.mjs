// The example with Playwright in the README of the simulator's package, with its runner from the registry, and no Worker.
import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { freePort } from "../../edge/harness/port.mjs";
import { ROOT, run, tarball } from "../support/consumer.mjs";
import { built, project } from "../support/project.mjs";

test("the example with Playwright connects a car, is told no, and meets a Smartcar that is down", async (t) => {
  const folder = await project("playwright");
  const installed = join(folder, "node_modules/smartcar-connect-simulator");
  await mkdir(installed);
  await run(folder, "tar", ["--extract", "--gzip", "--file", await tarball("smartcar-connect-simulator"), "--strip-components=1", "--directory", installed]);
  const readme = await readFile(join(ROOT, "tests/simulator/npm/README.md"), "utf8");
  const [, example] = [...readme.matchAll(/```js\n(.*?)```/gs)].map(([, code]) => code);
  assert.match(example, /@playwright\/test/);
  // The port of the example may be in use here.
  const port = String(await freePort());
  await writeFile(join(folder, "connect.spec.mjs"), example.replaceAll("3000", port));
  const { stdout } = await built(folder, "playwright", ["test"]);
  assert.match(stdout, /3 passed/);
});
