// Webhooks of the simulator's in the demo: what the simulator, the Worker and the demo's back end have to agree on.
import { randomBytes, randomUUID } from "node:crypto";

/**
 * Arguments of the simulator, and settings of the Worker, for a demo page at `page`. Nothing where the settings name webhooks of
 * their own already, or the Worker is not to believe the simulator.
 * @param {Record<string, string | undefined>} vars what `.dev.vars` says @param {string} page
 * @param {boolean} isSimulated
 */
export function demoWebhooks(vars, page, isSimulated) {
  const isSet = ["SMARTCAR_MANAGEMENT_TOKEN", "WEBHOOK_FORWARD_URL", "WEBHOOK_FORWARD_SECRET"].some((name) => vars[name]);
  if (!isSimulated || isSet) return { flags: [], vars: {} };
  const token = randomUUID();
  const prefix = (vars.PATH_PREFIX ?? "/smartcar").replace(/^\//, "");
  return {
    flags: ["--webhook-url", `${page}${prefix}/webhooks`, "--management-token", token],
    vars: {
      SMARTCAR_MANAGEMENT_TOKEN: token,
      WEBHOOK_FORWARD_URL: `${page}demo/events`,
      WEBHOOK_FORWARD_SECRET: `whsec_${randomBytes(32).toString("base64")}`,
    },
  };
}
