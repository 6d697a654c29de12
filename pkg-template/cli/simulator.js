// The stand-in for Smartcar is a package of its own, so that this one stays small.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import process from "node:process";

import { Failure } from "./terminal.js";

const PACKAGE = "smartcar-connect-simulator";

/** Where the program is, if the package is installed in this folder or beside this package. */
function installed() {
  for (const place of [join(process.cwd(), "package.json"), import.meta.url]) {
    try {
      const program = join(dirname(createRequire(place).resolve(PACKAGE)), "main.js");
      if (existsSync(program)) return program;
    } catch {
      // Not there.
    }
  }
  return undefined;
}

/** Runs it; resolves to its exit code. */
export function simulator(args) {
  const program = installed();
  if (!program) throw new Failure(`the simulator is a package of its own: \`npx ${PACKAGE}\`, or install it beside this one`);
  const child = spawn(process.execPath, [program, ...args], { stdio: "inherit" });
  // Ctrl-C reaches both, and it is for the simulator to end.
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => child.once("error", reject).once("exit", (code) => resolve(code ?? 1)));
}
