// Commands in the documentation: they parse, and what they call is there.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";

import { ROOT, read } from "./blocks.mjs";
import { isRoute } from "./description.mjs";
import { isWranglerCommand } from "./wrangler.mjs";

const help = (program, ...args) => spawnSync(process.execPath, [join(ROOT, program), ...args], { encoding: "utf8" }).stdout;
/** What the programs say of themselves. */
const PROGRAMS = {
  "smartcar-connect": help("dist/package/cli/main.js", "help"),
  "smartcar-connect-simulator": help("dist/simulator/main.js", "--help"),
};
const XTASK = read("xtask/src/main.rs");
export const TARGETS = [...read("Makefile").matchAll(/^([a-z-]+):/gm)].map(([, name]) => name);

/** The words of each command of a line, without comments and what is put between them. */
function commandsOf(text) {
  const joined = text.replace(/\\\n\s*/g, " ").replace(/(^|\s)#.*$/gm, "$1");
  const commands = joined.split(/\n|&&|\|\||[|;]|\$\(/).map((command) => command.trim().split(/\s+/));
  return commands.filter(([first]) => first);
}

const withoutOptions = (words) => words.slice(0, [...words, "-"].findIndex((word) => word.startsWith("-")));
const optionsOf = (words) => words.filter((word) => word.startsWith("--")).map((word) => word.split("=")[0]);

const names = (text, word) => new RegExp(`(^|\\s)${word}(\\s|,|$)`, "m").test(text);

function* wrongCommand([program, ...words]) {
  if (program === "make") {
    const targets = words.filter((word) => !word.includes("="));
    for (const target of targets) if (!TARGETS.includes(target)) yield `the Makefile has no \`${target}\``;
  }
  if (program === "cargo" && words[0] === "xtask" && !XTASK.includes(`\n  ${words[1]} `)) yield `there is no \`cargo xtask ${words[1]}\``;
  if (program !== "npx") return;
  const [name, ...rest] = words;
  const said = PROGRAMS[name];
  if (name === "smartcar-connect" && !names(said, `  ${rest[0]}`)) yield `the package has no command \`${rest[0]}\``;
  for (const option of said ? optionsOf(rest) : []) if (!names(said, option)) yield `\`${name}\` has no option \`${option}\``;
  const command = withoutOptions(rest);
  if (name === "wrangler" && !isWranglerCommand(command)) yield `wrangler has no command \`${command.join(" ")}\``;
}

/** What is wrong with a block of commands. */
export function* wrongWithShell(text) {
  const { status, stderr } = spawnSync("bash", ["-n"], { input: text, encoding: "utf8" });
  if (status !== 0) yield stderr.trim();
  for (const command of commandsOf(text)) yield* wrongCommand(command);
  for (const [, path] of text.matchAll(/https:\/\/\w+\.example\.com\/smartcar(\/[\w/.-]+)/g)) {
    if (!isRoute(path)) yield `the Worker has no route \`${path}\``;
  }
}
