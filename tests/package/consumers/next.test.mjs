// Next, with both of its bundlers and no configuration: components of the server and of the browser.
import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";

import { assertWorks } from "../support/outcome.mjs";
import { openPage, resultOf } from "../support/pages.mjs";
import { built, project, served } from "../support/project.mjs";

let folder;
before(async () => {
  folder = await project("next");
});

async function assertServes(t, origin) {
  const page = await openPage(t, `${origin}/`);
  assert.match(await page.locator("#server").textContent(), /^smartcar-connect\.[\w-]{43} true$/);
  assertWorks(await resultOf(t, `${origin}/client`));
}

for (const bundler of ["--turbopack", "--webpack"]) {
  test(`next build ${bundler}, and what it builds`, async (t) => {
    await rm(join(folder, ".next"), { recursive: true, force: true });
    await built(folder, "next", ["build", bundler]);
    await assertServes(t, await served(t, folder, "next", (port) => ["start", "--port", port]));
  });

  test(`next dev ${bundler}`, async (t) => {
    await rm(join(folder, ".next"), { recursive: true, force: true });
    await assertServes(t, await served(t, folder, "next", (port) => ["dev", bundler, "--port", port]));
  });
}
