// What `npm run dev` needs, made once for this machine: `.env` for the back end, `.dev.vars` for the Worker. Each side has its own secrets,
// and the three that both have to know stand in both. To begin anew, delete both files, and `data/` and `.wrangler/` with them.
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { parseEnv } from "node:util";

import { exportJWK, generateKeyPair } from "jose";

/** Where each part listens; the environment can say otherwise the first time. */
const { PAGE_PORT = "5173", APP_PORT = "3000", WORKER_PORT = "8787", SIMULATOR_PORT = "9191" } = process.env;

/** The settings of both sides: `{ app, worker }`. */
export async function settings() {
  if (!existsSync(".env") || !existsSync(".dev.vars")) await make();
  const [app, worker] = [".env", ".dev.vars"].map((file) => parseEnv(readFileSync(file, "utf8")));
  return { app, worker };
}

async function make() {
  const shared = { service: random(), webhook: `whsec_${random("base64")}` };
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  const page = `http://localhost:${PAGE_PORT}`;
  const app = `http://localhost:${APP_PORT}`;
  const simulator = `http://localhost:${SIMULATOR_PORT}`;

  write(".env", "The back end's settings on this machine.", {
    ORIGIN: page,
    PORT: APP_PORT,
    WORKER: `http://localhost:${WORKER_PORT}/smartcar`,
    SERVICE_KEY: shared.service,
    WEBHOOK_SECRET: shared.webhook,
    SESSION_SECRET: random(),
    SIGNING_KEY: JSON.stringify({ ...(await exportJWK(privateKey)), kid: random().slice(0, 8) }),
  });
  write(".dev.vars", "The Worker's settings on this machine. With a real application: its id and secret, and no `…_ORIGIN`.", {
    SMARTCAR_CLIENT_ID: "11111111-2222-4333-8444-555555555555",
    SMARTCAR_CLIENT_SECRET: "simulator-client-secret",
    ...Object.fromEntries(["CONNECT", "AUTH", "API", "IAM", "VEHICLE"].map((host) => [`SMARTCAR_${host}_ORIGIN`, simulator])),
    SMARTCAR_MANAGEMENT_TOKEN: random(),
    SEALING_KEYS: `local:${random("base64")}`,
    SERVICE_KEYS: shared.service,
    ALLOWED_ORIGINS: page,
    JWT_ISSUER: page,
    JWT_JWKS_URL: `${app}/app/jwks.json`,
    WEBHOOK_FORWARD_URL: `${app}/app/events`,
    WEBHOOK_FORWARD_SECRET: shared.webhook,
  });
}

const random = (encoding = "base64url") => randomBytes(32).toString(encoding);

function write(file, what, values) {
  const lines = Object.entries(values).map(([name, value]) => `${name}=${value.includes('"') ? `'${value}'` : value}`);
  writeFileSync(file, `# ${what} Git ignores it.\n${lines.join("\n")}\n`, { mode: 0o600 });
}
