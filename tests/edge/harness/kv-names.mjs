// The names in KV, worked out from the text of docs/storage.md alone.
import { createHmac, hkdfSync } from "node:crypto";

function field(bytes) {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/**
 * The name in KV of what belongs to `owner` and has no item.
 * @param {string} sealingKey a key as `SEALING_KEYS` has it, `id:key`
 * @param {string} purpose such as `kv-name/external-id`
 */
export function nameOf(sealingKey, purpose, owner) {
  const key = Buffer.from(sealingKey.split(":")[1], "base64");
  const info = Buffer.concat([field(Buffer.from(purpose)), field(Buffer.alloc(0))]);
  const derived = Buffer.from(hkdfSync("sha256", key, "smartcar-connect/v1", info, 32));
  const message = Buffer.concat([field(Buffer.from(owner)), field(Buffer.alloc(0))]);
  return `v1/${createHmac("sha256", derived).update(message).digest("base64url")}`;
}

/** What the names of the vaults begin with whose owner must act. */
export const mustActPrefix = (sealingKey) => `${nameOf(sealingKey, "kv-name/must-act", "")}/`;
