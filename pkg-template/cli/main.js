#!/usr/bin/env node
// `npx smartcar-connect <command>`.
import { readFileSync } from "node:fs";
import process from "node:process";
import { parseArgs } from "node:util";

import { doctor } from "./doctor-command.js";
import { init } from "./init.js";
import { printSealingKey } from "./sealing-key.js";
import { simulator } from "./simulator.js";
import { Failure, paint } from "./terminal.js";

const HELP = `usage: smartcar-connect <command>

  init [folder]        write what \`wrangler deploy\` needs: wrangler.jsonc, worker/index.js, .dev.vars
    --client-id <uuid>       the application's id, from the Smartcar dashboard
    --redirect-uri <url>     your page's address, as it is registered there
    --app-origin <origin>    whose pages may use the Worker; that of the redirect URI, unless given
    --api <v2|v3>            which of Smartcar's APIs new connections are made for (v2)
    --api-client-id <id>     for v3: the id of an API credential, client_…
    --name <name>            the Worker's name (smartcar-connect)
    --simulator <origin>     on this machine ask a simulator in Smartcar's place, such as http://localhost:9191
    --yes                    ask nothing
    --force                  replace the files that are there
  doctor               say what is right and wrong with the settings, and fail where something is wrong
    --local                  with the secrets in .dev.vars, not with those of the deployed Worker
    --redirect-uri <url>     look at this redirect URI too; may be repeated
    --config <file>          wrangler's configuration, if it has another name
  sealing-key [id]     print a new sealing key: pipe it into \`npx wrangler secret put SEALING_KEYS\`
  simulator [options]  run a stand-in for Smartcar on this machine
  help, --version

A client secret is no option, since a shell would remember it: \`init\` asks for it, or takes SMARTCAR_CLIENT_SECRET
(for v3 SMARTCAR_API_CLIENT_SECRET) of the environment.
`;

const OPTIONS = {
  init: {
    "client-id": { type: "string" },
    "redirect-uri": { type: "string" },
    "app-origin": { type: "string" },
    api: { type: "string" },
    "api-client-id": { type: "string" },
    name: { type: "string" },
    simulator: { type: "string" },
    yes: { type: "boolean", short: "y" },
    force: { type: "boolean" },
  },
  doctor: {
    local: { type: "boolean" },
    "redirect-uri": { type: "string", multiple: true },
    config: { type: "string" },
  },
  "sealing-key": {},
};

const PLACES = { init: 1, doctor: 0, "sealing-key": 1 };

function version() {
  return JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version;
}

/** Resolves to the exit code. */
async function main([command, ...rest]) {
  if (command === "simulator") return simulator(rest);
  if (command === undefined || ["help", "--help", "-h"].includes(command) || rest.some((one) => one === "--help")) {
    process.stdout.write(HELP);
    return command === undefined ? 1 : 0;
  }
  if (command === "--version") {
    process.stdout.write(`${version()}\n`);
    return 0;
  }
  if (!Object.hasOwn(OPTIONS, command)) throw new Failure(`there is no command \`${command}\`: \`smartcar-connect help\` lists all`);
  const { values, positionals } = parsed(command, rest);
  if (command === "init") return init({ folder: positionals[0] ?? ".", version: version(), ...values });
  if (command === "doctor") return doctor(values);
  return printSealingKey(positionals[0]);
}

function parsed(command, args) {
  let found;
  try {
    found = parseArgs({ args, options: OPTIONS[command], allowPositionals: true });
  } catch (error) {
    throw new Failure(`${error.message.split(". ")[0]}: \`smartcar-connect help\` lists all`);
  }
  const surplus = found.positionals.slice(PLACES[command]);
  if (surplus.length > 0) throw new Failure(`\`${surplus[0]}\` is too much: \`smartcar-connect help\` lists what there is`);
  return found;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  // What the system refuses has a code, and says why.
  if (!(error instanceof Failure) && !error.code) throw error;
  process.stderr.write(`${paint(process.stderr).red("✗")} ${error.message}\n`);
  process.exitCode = 1;
}
