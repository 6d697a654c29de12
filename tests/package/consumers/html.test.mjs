// The example without a build: the files of the package as they are, in a folder that is served, under a strict policy.
import { before, test } from "node:test";

import { assertComesBack, assertConnects, backend } from "../support/example.mjs";
import { run } from "../support/consumer.mjs";
import { example, served } from "../support/project.mjs";

let folder;
before(async () => {
  folder = await example("html");
  await run(folder, process.execPath, ["copy.mjs"]);
});

test("a folder that is served", async (t) => {
  const there = await backend(t);
  await served(t, folder, "http-server", (port) => ["public", "-p", port, "-c-1", "-P", there.env.WORKER], there);
  const { page } = await assertConnects(t, there);
  await assertComesBack(page, there);
});
