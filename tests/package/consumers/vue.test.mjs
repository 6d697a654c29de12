// vue-router in history mode, which writes addresses into the state of the history.
import { before, test } from "node:test";

import { assertJourney } from "../support/journey.mjs";
import { built, project, served } from "../support/project.mjs";

let folder;
before(async () => {
  folder = await project("vue");
});

test("vite build, and what it builds", async (t) => {
  await built(folder, "vite", ["build"]);
  await assertJourney(t, await served(t, folder, "vite", (port) => ["preview", "--port", port]), 1);
});

test("vite dev", async (t) => {
  await assertJourney(t, await served(t, folder, "vite", (port) => ["dev", "--port", port]), 1);
});
