// SvelteKit: loaded on the server, rendered there, and taken over by the browser.
import assert from "node:assert/strict";
import { before, test } from "node:test";

import { assertWorks } from "../support/outcome.mjs";
import { openPage, resultOf } from "../support/pages.mjs";
import { built, project, served } from "../support/project.mjs";

let folder;
before(async () => {
  folder = await project("sveltekit");
});

async function assertServes(t, origin) {
  const page = await openPage(t, `${origin}/`);
  assert.match(await page.locator("#server").textContent(), /^smartcar-connect\.[\w-]{43} true$/);
  assertWorks(await resultOf(t, `${origin}/`));
}

test("vite build, and what it builds", async (t) => {
  await built(folder, "vite", ["build"]);
  await assertServes(t, await served(t, folder, "vite", (port) => ["preview", "--port", port]));
});

test("vite dev", async (t) => {
  await assertServes(t, await served(t, folder, "vite", (port) => ["dev", "--port", port]));
});
