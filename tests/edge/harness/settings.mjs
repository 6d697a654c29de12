// The Worker's configuration in the tests: variables and secrets, all Smartcar origins at the simulator.
import { createHash, randomBytes } from "node:crypto";

import { CLIENT_ID, CLIENT_SECRET } from "./simulator.mjs";

export const PREFIX = "/smartcar";
export const SERVICE_KEY = "service-key-for-the-tests-0123456789abcdef";

/** The name of the session cookie of a Worker that is asked at `origin`, as docs/http-api.md has it. */
export function sessionCookieAt(origin, { prefix = PREFIX, clientId = CLIENT_ID } = {}) {
  const hash = createHash("sha256");
  for (const fact of ["smartcar-connect/session-cookie/v1", prefix, clientId]) {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(Buffer.byteLength(fact));
    hash.update(length).update(fact);
  }
  const { port } = new URL(origin);
  const name = `__Host-smartcar-connect-${hash.digest().subarray(0, 6).toString("base64url")}`;
  return port ? `${name}-${port}` : name;
}

export function sealingKey(id, bytes = 32) {
  return `${id}:${randomBytes(bytes).toString("base64")}`;
}

/** Variables and secrets of a well-configured Worker. */
export function settings({ simulator, allowedOrigins }) {
  return {
    SMARTCAR_CLIENT_ID: CLIENT_ID,
    SMARTCAR_CLIENT_SECRET: CLIENT_SECRET,
    SEALING_KEYS: sealingKey("k1"),
    SERVICE_KEYS: SERVICE_KEY,
    PATH_PREFIX: PREFIX,
    ALLOWED_ORIGINS: allowedOrigins.join(","),
    SMARTCAR_CONNECT_ORIGIN: simulator.origin,
    SMARTCAR_AUTH_ORIGIN: simulator.origin,
    SMARTCAR_API_ORIGIN: simulator.origin,
    SMARTCAR_IAM_ORIGIN: simulator.origin,
    SMARTCAR_VEHICLE_ORIGIN: simulator.origin,
  };
}

/** What of the configuration must never show: the values to scan for beside the simulator's. */
export function ownSecrets(values) {
  const keys = values.SEALING_KEYS.split(",").map((entry) => entry.slice(entry.indexOf(":") + 1));
  return [values.SMARTCAR_CLIENT_SECRET, values.SERVICE_KEYS, ...keys];
}
