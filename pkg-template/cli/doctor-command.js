// `npx smartcar-connect doctor`: reads and asks; what it means is judged in `judge.js`.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, extname, join } from "node:path";
import process from "node:process";
import * as util from "node:util";

import { findings } from "./judge.js";
import { Failure, paint, say } from "./terminal.js";

/** In the order in which wrangler looks for it. */
export const CONFIGURATIONS = ["wrangler.json", "wrangler.jsonc", "wrangler.toml"];
const MARKS = { good: "✓", bad: "✗", note: "–" };
const DOCS = "https://github.com/smartcar-connect/smartcar-connect/tree/main/docs";

/** Prints a line for each thing that was looked at; the exit code is 1 where something is wrong. */
export function doctor({ local = false, "redirect-uri": redirectUris = [], config }) {
  const file = config ?? CONFIGURATIONS.find((name) => existsSync(name));
  if (!file) throw new Failure(`there is no ${CONFIGURATIONS[1]} here: \`npx smartcar-connect init\` writes one`);
  const configuration = read(file);
  const syntax = extname(file) === ".toml" ? "toml" : "jsonc";
  const secrets = local ? { local: devVars() } : deployed(file);
  let found;
  try {
    found = findings({ configuration, syntax, secrets, redirectUris });
  } catch (error) {
    throw new Failure(`${file} can't be read: ${error}`);
  }
  found.push(...ignored());
  const { green, red, dim, bold } = paint(process.stdout);
  const colour = { good: green, bad: red, note: dim };
  for (const { mark, about, text } of found) say(`  ${colour[mark](MARKS[mark])} ${bold(about)}: ${text}`);
  const wrong = found.filter(({ mark }) => mark === "bad").length;
  say(`\n${found.length} looked at, ${wrong} to mend`);
  if (found.some(({ text }) => text.includes("docs/"))) say(dim(`docs/ is ${DOCS}`));
  return wrong === 0 ? 0 : 1;
}

function read(file) {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new Failure(`${file} can't be read: ${error.message}`);
  }
}

function devVars() {
  if (!existsSync(".dev.vars")) throw new Failure("there is no .dev.vars here: `npx smartcar-connect init` makes one");
  if (!util.parseEnv) throw new Failure("reading .dev.vars takes Node 20.12 or newer");
  return { ...util.parseEnv(read(".dev.vars")) };
}

/** The names of the deployed Worker's secrets, if wrangler can list them: nobody can read their values. */
function deployed(file) {
  let program;
  try {
    const resolved = createRequire(join(process.cwd(), "package.json")).resolve("wrangler");
    program = join(dirname(resolved), "../bin/wrangler.js");
  } catch {
    return { unknown: "wrangler is not installed: `npm install --save-dev wrangler`" };
  }
  const { stdout } = spawnSync(process.execPath, [program, "secret", "list", "--config", file], {
    encoding: "utf8",
    // It would ask the person at the terminal, or open a browser.
    stdio: ["ignore", "pipe", "ignore"],
    env: { ...process.env, CI: "true", WRANGLER_SEND_METRICS: "false" },
  });
  try {
    // A list in JSON, maybe with lines before it.
    return { deployed: JSON.parse(stdout.slice(stdout.indexOf("["))).map(({ name }) => name) };
  } catch {
    return { unknown: "wrangler did not list them" };
  }
}

/** Whether git would take the secrets of this machine along. */
function ignored() {
  if (!existsSync(".dev.vars")) return [];
  const { status } = spawnSync("git", ["check-ignore", "--quiet", ".dev.vars"], { stdio: "ignore" });
  // Anything else: there is no repository, or no git.
  if (status === 1) return [{ mark: "bad", about: ".dev.vars", text: "is not ignored by git: add `.dev.vars*` to .gitignore" }];
  return status === 0 ? [{ mark: "good", about: ".dev.vars", text: "is ignored by git" }] : [];
}
