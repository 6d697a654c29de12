// React Router, in React's StrictMode: in development every component is mounted twice.
import { before, test } from "node:test";

import { assertJourney } from "../support/journey.mjs";
import { built, project, served } from "../support/project.mjs";

let folder;
before(async () => {
  folder = await project("react");
});

test("vite build, and what it builds", async (t) => {
  await built(folder, "vite", ["build"]);
  await assertJourney(t, await served(t, folder, "vite", (port) => ["preview", "--port", port]), 1);
});

test("vite dev", async (t) => {
  await assertJourney(t, await served(t, folder, "vite", (port) => ["dev", "--port", port]), 2);
});
