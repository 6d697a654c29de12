// `make bench-browser`: what this package costs a page and a back end, set against Smartcar's own packages. Times differ between
// machines and from minute to minute, so that only ratios count: in each round all take their turn, and each is compared with the
// others of its round. Nothing is demanded here.
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";

import { print } from "../report.mjs";
import { CONDITIONS } from "./conditions.mjs";
import { installed } from "./installed.mjs";
import { callsTable, conditionTable, loadedTable, nodeTable, unlike } from "./report.mjs";
import { site } from "./site.mjs";
import { SUBJECTS } from "./subjects.mjs";
import { launched, visit } from "./visit.mjs";

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 9);
/** How many of the conditions: the first imitates nothing. */
const HOW_MANY = Number(process.env.BENCH_CONDITIONS ?? CONDITIONS.length);
const CALLS = Number(process.env.BENCH_CALLS ?? 2_000);

const run = promisify(execFile);
const project = await installed();
const closing = [() => project.remove()];

try {
  await main();
} finally {
  for (const close of closing.toReversed()) await close();
}

/** Rounds in which each takes its turn; each round begins with another, so that none has the others' wake. */
async function rounds(names, measure) {
  const results = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let turn = 0; turn < names.length; turn += 1) {
      const name = names[(turn + round) % names.length];
      results[name].push(await measure(name));
    }
  }
  return results;
}

async function inNode(name) {
  const { stdout } = await run(process.execPath, [path.join(project.folder, "in-node", `${name}.mjs`), String(CALLS)]);
  return JSON.parse(stdout);
}

async function versionOf(name) {
  return JSON.parse(await readFile(path.join(project.folder, "node_modules", name, "package.json"), "utf8")).version;
}

async function main() {
  const busy = os.loadavg()[0];
  const [auth, sdk] = await Promise.all(["@smartcar/auth", "smartcar"].map(versionOf));
  const browser = await launched();
  closing.push(() => browser.close());
  print(`This package against @smartcar/auth ${auth} in Chromium ${browser.version()}, and against smartcar ${sdk} in Node ${process.versions.node}`);
  print(`The median of ${ROUNDS} rounds; an empty cache at each visit`);
  if (busy > 0.5) print(`This machine is busy with something else (load ${busy.toFixed(1)}): look at the ratios and their spread.`);

  const pages = await site(project.folder, ["auth", "pure", "start"]);
  closing.push(() => pages.close());
  const names = Object.keys(SUBJECTS);
  // A browser's first visits take longer than all others.
  for (const name of ["auth", "start0"]) await visit(browser, pages, SUBJECTS[name], CONDITIONS[0]);
  for (const [index, condition] of CONDITIONS.slice(0, HOW_MANY).entries()) {
    // How long a call takes is a matter of the processor alone, and told once.
    const callsOf = ({ isRepeated }) => (index === 0 && isRepeated ? CALLS : 0);
    const results = await rounds(names, (name) => {
      const subject = SUBJECTS[name];
      return visit(browser, pages, { ...subject, calls: callsOf(subject) }, condition);
    });
    if (index === 0) loadedTable(results);
    conditionTable(condition, results);
    if (index === 0) callsTable(results);
  }
  nodeTable(await rounds(["sdk", "pure"], inNode));
  unlike();
}
