// The example with SvelteKit: rendered on a server, and taken over by the browser.
import assert from "node:assert/strict";
import { before, test } from "node:test";

import { assertWorks } from "../support/example.mjs";
import { openPage } from "../support/pages.mjs";
import { built, example } from "../support/project.mjs";

let folder;
before(async () => {
  folder = await example("svelte");
});

/** The server renders what is so while nothing is known, and the browser goes on from there. */
async function assertTakesOver(t, { origin }) {
  const rendered = await fetch(origin).then((answer) => answer.text());
  assert.match(rendered, /Connect your car<\/button>/);
  assert.doesNotMatch(rendered, /No car is connected|nothing came of it/);
  const said = [];
  const page = await openPage(t, `${origin}/`, said);
  await page.getByText("No car is connected.").waitFor();
  assert.deepEqual(said.filter((line) => /hydrat/i.test(line)), []);
}

test("vite build, and what it builds", async (t) => {
  await built(folder, "vite", ["build"]);
  await assertWorks(t, folder, "preview", assertTakesOver);
});

test("npm run dev", (t) => assertWorks(t, folder, "dev", assertTakesOver));
