// The simulator, and the Worker with the demo page on a port of localhost, with or without TLS.
import { startEdge } from "../../edge/harness/edge.mjs";
import { freePort } from "../../edge/harness/port.mjs";
import { openGate } from "../../edge/harness/gate.mjs";
import { closeConnections } from "../../edge/harness/http.mjs";
import { PREFIX, settings } from "../../edge/harness/settings.mjs";
import { startSimulator } from "../../edge/harness/simulator.mjs";
import { selfSigned } from "../../edge/harness/tls.mjs";

/** @param {boolean} isSecure whether the Worker speaks TLS, with a certificate that nobody vouches for */
export async function openDeployment(isSecure) {
  const port = await freePort();
  const origin = `${isSecure ? "https" : "http"}://localhost:${port}`;
  const home = `${origin}/`;
  const simulator = await startSimulator([home, `${origin}${PREFIX}/connect/callback`]);
  const gate = await openGate(simulator.origin);
  const bindings = { ...settings({ simulator, allowedOrigins: [origin] }), SMARTCAR_AUTH_ORIGIN: gate.origin };
  const edge = await startEdge({ bindings, port, demo: true, tls: isSecure ? await selfSigned() : undefined });
  return {
    home,
    simulator,
    /** Smartcar's token endpoint is behind it. */
    gate,
    /** Where Connect sends the browser back to after the owner's consent. */
    async callback(state) {
      const { code } = await simulator.grant({ redirectUri: home });
      return `${home}?${new URLSearchParams({ code, state })}`;
    },
    tokenRequests: async () => (await simulator.tokenRequests()).length,
    async close() {
      closeConnections();
      await Promise.all([edge.stop(), simulator.stop(), gate.close()]);
    },
  };
}
