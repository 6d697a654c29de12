// `make bench-browser`, once and without a slow network: that it measures, not what.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

import { ROOT } from "../support/consumer.mjs";

const run = promisify(execFile);

test("the bench of the browser compares whatever it promises to", async () => {
  const env = { ...process.env, BENCH_ROUNDS: "1", BENCH_CONDITIONS: "1", BENCH_CALLS: "20" };
  const { stdout } = await run(process.execPath, [join(ROOT, "tests/load/browser/bench.mjs")], { cwd: ROOT, env });
  assert.match(stdout, /@smartcar\/auth \d+\.\d+\.\d+ in Chromium/);
  for (const row of [
    /before the click, to call `start` later/,
    /navigation to a page that can be clicked/,
    /click to URL, `authorizeUrl` after `init`/,
    /click to URL, `start`, Worker 50 ms/,
    /callback checked, `checkCallback`/,
    /all: click to URL/,
    /`createState` and `authorizeUrl`/,
    /import and first URL/,
  ]) {
    // Theirs, ours, and a ratio.
    assert.match(stdout, new RegExp(`${row.source} +\\d[\\d.]* [kKmµ]\\w+ +\\d[\\d.]* [kKmµ]\\w+ +\\d[\\d.,]*`));
  }
  assert.doesNotMatch(stdout, /NaN|undefined|Infinity/);
});
