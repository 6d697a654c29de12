// The example with Vue and vue-router, which writes addresses into the state of the history.
import { before, test } from "node:test";

import { assertComesBack, assertConnects, assertMoves, backend } from "../support/example.mjs";
import { built, example, served } from "../support/project.mjs";

let folder;
before(async () => {
  folder = await example("vue");
});

test("vite build, and what it builds", async (t) => {
  await built(folder, "vite", ["build"]);
  const there = await backend(t);
  await served(t, folder, "vite", (port) => ["preview", "--port", port], there);
  const { page, state } = await assertConnects(t, there);
  await assertMoves(page, there, state);
  await assertComesBack(page, there);
});

test("npm run dev", async (t) => {
  const there = await backend(t);
  await served(t, folder, "vite", (port) => ["dev", "--port", port], there);
  const { page, state } = await assertConnects(t, there);
  await assertMoves(page, there, state);
});
