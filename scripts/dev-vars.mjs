// The local Worker's settings and secrets, made once: `.dev.vars` outranks wrangler.toml in `wrangler dev`, and only there.
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { parseEnv } from "node:util";

/** Where the simulator stands in for all of Smartcar. */
const ORIGINS = [
  "SMARTCAR_CONNECT_ORIGIN",
  "SMARTCAR_AUTH_ORIGIN",
  "SMARTCAR_API_ORIGIN",
  "SMARTCAR_IAM_ORIGIN",
  "SMARTCAR_VEHICLE_ORIGIN",
];
const USUAL = "http://localhost:9191";

/** @param {string} file */
export function ensureDevVars(file) {
  if (existsSync(file)) return false;
  const lines = [
    "# Made by `make demo` for this machine; git ignores it. Delete it to have it made again: what was stored locally with",
    "# this sealing key can then no longer be read.",
    "# To connect real cars, put in your application's UUID and secret and delete the *_ORIGIN lines.",
    "SMARTCAR_CLIENT_ID=11111111-2222-4333-8444-555555555555",
    "SMARTCAR_CLIENT_SECRET=simulator-client-secret",
    `SEALING_KEYS=local:${randomBytes(32).toString("base64")}`,
    `SERVICE_KEYS=${serviceKey()}`,
    ...ORIGINS.map((name) => `${name}=${USUAL}`),
  ];
  writeFileSync(file, `${lines.join("\n")}\n`, { mode: 0o600 });
  return true;
}

/**
 * What outranks the file this time: the simulator's address, where the file leads to it, and a service key for the demo's back
 * end, where the file has none.
 * @param {string} file @param {string} simulator The simulator's origin.
 */
export function localVars(file, simulator) {
  const vars = readVars(file);
  const simulated = ORIGINS.filter((name) => vars[name] === USUAL).map((name) => [name, simulator]);
  return { ...Object.fromEntries(simulated), ...(vars.SERVICE_KEYS ? {} : { SERVICE_KEYS: serviceKey() }) };
}

/** @param {string} file */
export function readVars(file) {
  return parseEnv(readFileSync(file, "utf8"));
}

/**
 * What makes new connections by Smartcar's v3: with the simulator's credentials, where the file has none.
 * @param {string} file
 */
export function v3Vars(file) {
  const vars = readVars(file);
  const simulated = { SMARTCAR_API_CLIENT_ID: "client_simulator", SMARTCAR_API_CLIENT_SECRET: "simulator-api-client-secret" };
  return { SMARTCAR_API_VERSION: "v3", ...(vars.SMARTCAR_API_CLIENT_ID ? {} : simulated) };
}

function serviceKey() {
  return randomBytes(32).toString("base64url");
}
