// `npx smartcar-connect init`: what `wrangler deploy` needs, in the folder of a front end or in one of its own.
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";

import { CONFIGURATIONS } from "./doctor-command.js";
import { appOrigin, redirectUriProblem, settingProblem } from "./judge.js";
import { openQuestions } from "./questions.js";
import { sealingKey } from "./sealing-key.js";
import { Failure, paint, say } from "./terminal.js";

const TEMPLATE = new URL("../template/", import.meta.url);
/** The Worker's, unless it is given another one. */
const NAME = "smartcar-connect";
const IGNORED = [".dev.vars*", "!.dev.vars.example", ".wrangler/", "node_modules/"];
/** Where a simulator stands in for all of Smartcar, and who the application is there. */
const SIMULATED_ORIGINS = ["CONNECT", "AUTH", "API", "IAM", "VEHICLE"].map((name) => `SMARTCAR_${name}_ORIGIN`);
const SIMULATED = {
  SMARTCAR_CLIENT_ID: "11111111-2222-4333-8444-555555555555",
  SMARTCAR_CLIENT_SECRET: "simulator-client-secret",
};
const SIMULATED_V3 = {
  SMARTCAR_API_CLIENT_ID: "client_simulator",
  SMARTCAR_API_CLIENT_SECRET: "simulator-api-client-secret",
};

const problems = {
  name: (name) => (/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name) ? undefined : "give a name of lower-case letters, digits and hyphens"),
  "client-id": (id) => problemOf("SMARTCAR_CLIENT_ID", id),
  api: (version) => (["v2", "v3"].includes(version) ? undefined : "give v2 or v3"),
  "api-client-id": (id) => (id === "" ? "give the id of an API credential, client_…" : problemOf("SMARTCAR_API_CLIENT_ID", id)),
  "redirect-uri": (uri) => redirectUriProblem(uri),
  "app-origin": (origins) => problemOf("ALLOWED_ORIGINS", origins),
  simulator: (origin) => problemOf("SMARTCAR_AUTH_ORIGIN", origin),
  secret: (secret) => (secret === "" ? undefined : problemOf("SMARTCAR_CLIENT_SECRET", secret)),
};

/** A reason reads on from the name of the setting. */
function problemOf(setting, value) {
  const reason = settingProblem(setting, value);
  return reason ? `this ${reason}` : undefined;
}

/** Writes the files; resolves to the exit code. */
export async function init({ folder, version, yes = false, force = false, ...given }) {
  for (const [option, value] of Object.entries(given)) {
    const wrong = problems[option](value);
    if (wrong) throw new Failure(`\`--${option}\`: ${wrong}`);
  }
  const there = CONFIGURATIONS.find((name) => existsSync(join(folder, name)));
  if (there && there !== "wrangler.jsonc") {
    throw new Failure(`${there} is there, and wrangler reads one file: move it away, or add to it what ${docs("configuration.md")} has`);
  }
  const { bold } = paint(process.stdout);
  const questions = yes ? undefined : openQuestions();
  say(`\n  ${bold("smartcar-connect")} ${version}\n`);
  const answers = questions ? await asked(questions, given) : assumed(given);
  const mayReplace = async (name) => force || (questions ? questions.allows(`${name} is there. Replace it?`) : false);
  if (questions) say();
  const written = new Folder(folder, mayReplace);
  const isConfigured = await write(written, answers, version);
  questions?.close();
  whatIsNext(folder, answers, written.kept);
  // Where nothing was said of the configuration, there is nothing that it lacks.
  const isSaid = questions !== undefined || Object.keys(given).some((option) => option !== "simulator");
  return isConfigured || !isSaid ? 0 : 1;
}

/** Asks for what no option says. */
async function asked(questions, given) {
  const ask = (option, question, usual) =>
    given[option] ?? questions.ask(question, { usual, problem: problems[option] });
  const isSimulated = given.simulator !== undefined;
  const clientId = await ask("client-id", "Application id, a UUID from dashboard.smartcar.com:", "");
  const api = await ask("api", "Smartcar's API for new connections, v2 or v3:", "v2");
  const apiClientId = api === "v3" ? await ask("api-client-id", "Id of the API credential, client_…:", "") : given["api-client-id"];
  const redirectUri = await ask("redirect-uri", "Your page's address, which you register as a redirect URI:", "http://localhost:5173/");
  const appOrigins = await ask("app-origin", "Origin whose pages may use the Worker:", appOrigin(redirectUri) ?? "");
  const secretName = api === "v3" ? "SMARTCAR_API_CLIENT_SECRET" : "SMARTCAR_CLIENT_SECRET";
  const secret =
    isSimulated || process.env[secretName]
      ? undefined
      : await questions.ask("Client secret for this machine, kept in .dev.vars alone; Enter for later:", {
          problem: problems.secret,
          isSecret: true,
        });
  return complete({ ...given, "client-id": clientId, api, "api-client-id": apiClientId, "redirect-uri": redirectUri, "app-origin": appOrigins }, secret);
}

/** What holds where nobody is asked. */
function assumed(given) {
  const uri = given["redirect-uri"];
  return complete({ api: "v2", "app-origin": (uri && appOrigin(uri)) ?? "", ...given }, undefined);
}

function complete(given, secret) {
  const isV3 = given.api === "v3";
  const secretName = isV3 ? "SMARTCAR_API_CLIENT_SECRET" : "SMARTCAR_CLIENT_SECRET";
  const fromEnvironment = process.env[secretName] ?? "";
  const wrong = problems.secret(fromEnvironment);
  if (wrong) throw new Failure(`\`${secretName}\` of the environment: ${wrong}`);
  return {
    name: given.name,
    clientId: given["client-id"] ?? "",
    isV3,
    apiClientId: given["api-client-id"] ?? "",
    redirectUri: given["redirect-uri"],
    appOrigin: given["app-origin"],
    simulator: given.simulator && new URL(given.simulator).origin,
    secret: secret || fromEnvironment,
  };
}

/** Resolves to whether the configuration is what was asked for. */
async function write(folder, answers, version) {
  const isConfigured = await configure(folder, answers);
  await folder.put("worker/index.js", template("worker/index.js"), "the Worker itself, in one line");
  // Before there is anything to ignore.
  folder.addLines(".gitignore", IGNORED);
  await folder.put(".dev.vars", devVars(answers), "secrets for this machine, with a new sealing key", 0o600);
  if (!existsSync(folder.path("package.json"))) await folder.put("package.json", manifest(answers, version), "its packages");
  return isConfigured;
}

async function configure(folder, answers) {
  const name = "wrangler.jsonc";
  const there = existsSync(folder.path(name)) ? readFileSync(folder.path(name), "utf8") : "";
  // The template itself, as the button and `npm create cloudflare` make a folder of it, each in its own way.
  if (answers.name === undefined && /"SMARTCAR_CLIENT_ID": ""/.test(there)) {
    folder.write(name, configuration(answers, there), "what was blank in it");
    return true;
  }
  return folder.put(name, configuration(answers, template(name)), "the Worker's configuration");
}

const template = (name) => readFileSync(new URL(name, TEMPLATE), "utf8");

/** The configuration with the answers in it. */
function configuration({ name = NAME, clientId, isV3, apiClientId, appOrigin }, text) {
  const id = `"SMARTCAR_CLIENT_ID": ${JSON.stringify(clientId)}`;
  const v3 = `"SMARTCAR_API_VERSION": "v3",\n    "SMARTCAR_API_CLIENT_ID": ${JSON.stringify(apiClientId)}`;
  return [
    [`"name": "${NAME}"`, `"name": ${JSON.stringify(name)}`],
    ['"SMARTCAR_CLIENT_ID": ""', isV3 ? `${id},\n    ${v3}` : id],
    ['"ALLOWED_ORIGINS": ""', `"ALLOWED_ORIGINS": ${JSON.stringify(appOrigin)}`],
  ].reduce((filled, [from, to]) => filled.replace(from, () => to), text);
}

function devVars({ isV3, secret, simulator }) {
  const values = simulator
    ? {
        ...SIMULATED,
        ...(isV3 ? SIMULATED_V3 : {}),
        ...Object.fromEntries(SIMULATED_ORIGINS.map((name) => [name, simulator])),
      }
    : { [isV3 ? "SMARTCAR_API_CLIENT_SECRET" : "SMARTCAR_CLIENT_SECRET"]: secret };
  return [
    "# For this machine alone; git ignores it. What was stored here with this sealing key can't be read without it.",
    ...Object.entries(values).map(([name, value]) => `${name}=${quoted(value)}`),
    `SEALING_KEYS=${sealingKey("local")}`,
    "",
  ].join("\n");
}

/** As a value in `.dev.vars`, where a `#` begins a comment. */
function quoted(value) {
  if (/^[\w+/=.:-]*$/.test(value)) return value;
  const mark = ["'", '"', "`"].find((mark) => !value.includes(mark));
  if (!mark) throw new Failure("no quotation mark is left for this client secret: put it into .dev.vars by hand");
  return `${mark}${value}${mark}`;
}

function manifest({ name = NAME }, version) {
  const { scripts, dependencies, devDependencies } = JSON.parse(template("package.json"));
  const own = { ...dependencies, "smartcar-connect": `^${version}` };
  const content = { name, private: true, type: "module", scripts, dependencies: own, devDependencies };
  return `${JSON.stringify(content, null, 2)}\n`;
}

const docs = (page) => `https://github.com/smartcar-connect/smartcar-connect/blob/main/docs/${page}`;

/** Writes, and says so; what is there stays unless somebody allows otherwise. */
class Folder {
  /** The files that were there and stayed. */
  kept = [];
  #folder;
  #mayReplace;

  constructor(folder, mayReplace) {
    this.#folder = folder;
    this.#mayReplace = mayReplace;
  }

  path(name) {
    return join(this.#folder, name);
  }

  /** Resolves to whether the file is what it was to be. */
  async put(name, text, what, mode = 0o644) {
    const path = this.path(name);
    if (existsSync(path) && readFileSync(path, "utf8") !== text && !(await this.#mayReplace(name))) {
      this.kept.push(name);
      const { dim } = paint(process.stdout);
      say(`  ${dim("–")} ${name.padEnd(16)} ${dim("was there, and stays")}`);
      return false;
    }
    this.write(name, text, what, mode);
    return true;
  }

  write(name, text, what, mode = 0o644) {
    const { green, dim } = paint(process.stdout);
    const path = this.path(name);
    mkdirSync(dirname(path), { recursive: true });
    // What was sealed with its key can be read with it alone.
    if (name === ".dev.vars" && existsSync(path)) renameSync(path, `${path}.old`);
    writeFileSync(path, text, { mode });
    // It may have been there with another one.
    chmodSync(path, mode);
    say(`  ${green("✓")} ${name.padEnd(16)} ${dim(what)}`);
  }

  /** Adds the lines that a file lacks. */
  addLines(name, wanted) {
    const { green, dim } = paint(process.stdout);
    const path = this.path(name);
    const text = existsSync(path) ? readFileSync(path, "utf8") : "";
    const has = new Set(text.split(/\r?\n/).map((line) => line.trim()));
    const missing = wanted.filter((line) => !has.has(line) && !has.has(line.replace(/\/$/, "")));
    if (missing.length === 0) return;
    mkdirSync(dirname(path), { recursive: true });
    const before = text === "" || text.endsWith("\n") ? text : `${text}\n`;
    writeFileSync(path, `${before}${missing.join("\n")}\n`);
    say(`  ${green("✓")} ${name.padEnd(16)} ${dim(`+ ${missing.join(" ")}`)}`);
  }
}

/** What is left to do, in the order in which it works. */
function whatIsNext(folder, { clientId, isV3, apiClientId, redirectUri, simulator, secret }, kept) {
  const { bold, cyan, dim, yellow } = paint(process.stdout);
  const command = (text, why) => say(`    ${cyan(text.padEnd(why ? 52 : 0))}${why ? ` ${dim(why)}` : ""}`);
  if (kept.includes("wrangler.jsonc")) say(`\n  ${yellow("!")} wrangler.jsonc was left as it was: \`--force\` replaces what is there.`);
  const lacking = [];
  const lacks = (name, value, file) => {
    // The simulator's own stand in `.dev.vars`.
    const isThere = simulator && file === ".dev.vars";
    if (value === "" && !isThere && !kept.includes(file)) lacking.push(`\`${name}\` in ${file}`);
  };
  const secretName = isV3 ? "SMARTCAR_API_CLIENT_SECRET" : "SMARTCAR_CLIENT_SECRET";
  lacks("SMARTCAR_CLIENT_ID", clientId, "wrangler.jsonc");
  if (isV3) lacks("SMARTCAR_API_CLIENT_ID", apiClientId, "wrangler.jsonc");
  lacks(secretName, secret, ".dev.vars");
  if (lacking.length > 0) say(`\n  ${yellow("!")} Still to be filled in: ${lacking.join(", ")}.`);

  say(`\n  ${bold("On this machine")}`);
  if (folder !== ".") command(`cd ${forShell(folder)}`);
  command(missingPackages(folder));
  const uri = redirectUri ? ` --redirect-uri ${forShell(redirectUri)}` : "";
  if (simulator) command(`npx smartcar-connect-simulator --port ${new URL(simulator).port || 80}${uri}`, "in a second terminal");
  command("npx smartcar-connect doctor --local", "what is right and wrong");
  command("npx wrangler dev", "http://localhost:8787/smartcar/healthz");
  say(`\n  ${bold("At Cloudflare")}`);
  command("npx wrangler deploy", "creates the namespace for tokens, too");
  command(`npx wrangler secret put ${secretName}`, "from dashboard.smartcar.com");
  command("npx smartcar-connect sealing-key | npx wrangler secret put SEALING_KEYS", "once");
  command(`npx smartcar-connect doctor${uri}`);
  say();
}

/** An argument as a person can paste it. */
function forShell(text) {
  return /^[\w./:-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** What `npm` has yet to install. */
function missingPackages(folder) {
  let own = {};
  try {
    own = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  } catch {
    // npm will say what is wrong with it.
  }
  const has = (name) => [own.dependencies, own.devDependencies].some((list) => list && Object.hasOwn(list, name));
  const missing = ["smartcar-connect", "wrangler"].filter((name) => !has(name));
  return missing.length === 0 ? "npm install" : `npm install ${missing.join(" ")}`;
}
