// The Worker's configuration in the tests: variables and secrets, all Smartcar origins at the simulator.
import { randomBytes } from "node:crypto";

import { CLIENT_ID, CLIENT_SECRET } from "./simulator.mjs";

export const PREFIX = "/smartcar";
export const SESSION_COOKIE = "__Host-smartcar-connect";
export const SERVICE_KEY = "service-key-for-the-tests-0123456789abcdef";

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
  };
}

/** What of the configuration must never show: the values to scan for beside the simulator's. */
export function ownSecrets(values) {
  const keys = values.SEALING_KEYS.split(",").map((entry) => entry.slice(entry.indexOf(":") + 1));
  return [values.SMARTCAR_CLIENT_SECRET, values.SERVICE_KEYS, ...keys];
}
