// A key that seals tokens.
import process from "node:process";

import { settingProblem } from "./judge.js";
import { Failure } from "./terminal.js";

/** A new sealing key, `id:base64`. */
export function sealingKey(id) {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return `${id}:${Buffer.from(bytes).toString("base64")}`;
}

/** Prints one, and shows it too where it goes into a pipe: nobody can read it again at Cloudflare. */
export function printSealingKey(id = "k1") {
  const key = sealingKey(id);
  if (settingProblem("SEALING_KEYS", key)) {
    throw new Failure(`\`${id}\` is no id of a key: give 1 to 32 letters, digits, \`.\`, \`_\` or \`-\``);
  }
  process.stdout.write(`${key}\n`);
  if (!process.stdout.isTTY && process.stderr.isTTY) {
    process.stderr.write(`${key}\nKeep a copy in a safe place: without it every car has to be connected again.\n`);
  }
  return 0;
}
