// Wrangler's configuration, read by wrangler itself and held to the schema that it comes with, and to the settings that are documented.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Ajv } from "ajv";
import { experimental_getWranglerCommands as wranglerCommands, experimental_readRawConfig as readRawConfig } from "wrangler";

import { read } from "./blocks.mjs";

const isValid = new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(JSON.parse(read("node_modules/wrangler/config-schema.json")));
const SETTINGS = [...read("docs/configuration.md").matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);

/** A part of a configuration as an object; `name` is that of the file. */
function parsed(text, name) {
  const folder = mkdtempSync(join(tmpdir(), "smartcar-connect-docs-"));
  try {
    writeFileSync(join(folder, name), text);
    return readRawConfig({ config: join(folder, name) }).rawConfig;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What is wrong with a part of a configuration, in TOML or as members of `wrangler.jsonc`. */
export function* wrongWith({ language, text }) {
  const isWhole = language === "toml" || text.trim().startsWith("{");
  const raw = parsed(isWhole ? text : `{${text}}`, language === "toml" ? "wrangler.toml" : "wrangler.jsonc");
  const entries = Object.entries(raw);
  // A page that has said so leaves the line `[vars]` out.
  const [bare, others] = [true, false].map((want) => entries.filter(([name]) => /^[A-Z0-9_]+$/.test(name) === want));
  for (const [name] of [...bare, ...Object.entries(raw.vars ?? {})]) {
    if (!SETTINGS.includes(name)) yield `\`${name}\` is no setting of docs/configuration.md`;
  }
  if (!isValid(Object.fromEntries(others))) {
    for (const { instancePath, message, params } of isValid.errors) yield `${instancePath} ${message} ${JSON.stringify(params)}`;
  }
}

/** Whether wrangler has a command that begins with these words. */
export function isWranglerCommand(words) {
  let tree = wranglerCommands().registry.subtree;
  for (const word of words) {
    const found = tree.get(word);
    if (!found) return tree.size === 0;
    tree = found.subtree;
  }
  return true;
}
