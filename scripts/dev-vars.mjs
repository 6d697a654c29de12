// The local Worker's settings and secrets, made once: `.dev.vars` outranks wrangler.toml in `wrangler dev`, and only there.
import { randomBytes } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";

/** @param {string} file @param {string} smartcar The simulator's origin, which stands in for all of Smartcar's. */
export function ensureDevVars(file, smartcar) {
  if (existsSync(file)) return false;
  const origins = ["CONNECT", "AUTH", "API"];
  const lines = [
    "# Made by `make demo` for this machine; git ignores it. Delete it to have it made again: what was stored locally with",
    "# this sealing key can then no longer be read.",
    "# To connect real cars, put in your application's UUID and secret and delete the *_ORIGIN lines.",
    "SMARTCAR_CLIENT_ID=11111111-2222-4333-8444-555555555555",
    "SMARTCAR_CLIENT_SECRET=simulator-client-secret",
    `SEALING_KEYS=local:${randomBytes(32).toString("base64")}`,
    ...origins.map((name) => `SMARTCAR_${name}_ORIGIN=${smartcar}`),
  ];
  writeFileSync(file, `${lines.join("\n")}\n`, { mode: 0o600 });
  return true;
}
