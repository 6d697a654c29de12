// What the tools say that others judge packages by.
import { test } from "node:test";

import { consumer, run, tarball } from "./support/consumer.mjs";

test("publint has nothing to say", async (t) => {
  const { installed } = await consumer(t);
  await run(installed, "publint", ["run", ".", "--strict", "--pack", "false"]);
});

// ES modules only: what can't load them can't load this one. The module itself is no script, and none of what this tool checks.
test("Are the Types Wrong? They are not, also for those who resolve packages without `exports`", async (t) => {
  const { folder } = await consumer(t);
  const options = ["--ignore-rules", "cjs-resolves-to-esm", "--exclude-entrypoints", "connect.wasm", "--no-emoji"];
  await run(folder, "attw", [await tarball(), ...options]);
});
