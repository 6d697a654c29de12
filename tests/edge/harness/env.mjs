// One simulator, one Worker, and clients of both: what every test file starts with, by itself or in a fixture.
import { Client } from "./client.mjs";
import { startEdge } from "./edge.mjs";
import { openGate } from "./gate.mjs";
import { closeConnections, send } from "./http.mjs";
import { setClock } from "./instrumented.mjs";
import { freePort } from "./port.mjs";
import { PREFIX, settings } from "./settings.mjs";
import { startSimulator } from "./simulator.mjs";
import { until } from "./until.mjs";

/**
 * Starts a simulator and a Worker that believes it to be Smartcar.
 * @param {object} [options]
 * @param {(values: Record<string, string>) => Record<string, string>} [options.adjust] changes the configuration
 * @param {(values: Record<string, string>) => object[]} [options.variants] see `startEdge`
 * @param {(port: number) => string} [options.origin] where browsers find the Worker, if something stands in front of it
 * @param {boolean} [options.gated] whether Smartcar's token endpoint and API are behind the gates `gates.auth` and `gates.api`
 * The other options are those of `startEdge`.
 */
export async function openEnv({
  adjust = (values) => values,
  variants = () => [],
  origin = (port) => `http://localhost:${port}`,
  gated = false,
  ...edgeOptions
} = {}) {
  const port = await freePort();
  const page = origin(port);
  const redirectUri = `${page}/`;
  const simulator = await startSimulator([redirectUri, `${page}${PREFIX}/connect/callback`]);
  const gates = gated ? { auth: await openGate(simulator.origin), api: await openGate(simulator.origin) } : {};
  const values = adjust({
    ...settings({ simulator, allowedOrigins: [page] }),
    ...(gated ? { SMARTCAR_AUTH_ORIGIN: gates.auth.origin, SMARTCAR_API_ORIGIN: gates.api.origin } : {}),
  });
  let edge;
  try {
    edge = await startEdge({ bindings: values, port, variants: variants(values), ...edgeOptions });
  } catch (error) {
    await simulator.stop();
    throw error;
  }
  const transcript = [];
  let offset = 0;

  return {
    page,
    redirectUri,
    simulator,
    edge,
    gates,
    kv: edgeOptions.kv,
    values,
    /** Every answer that the Worker gave to a client. */
    transcript,
    client: () => new Client(edge, page, transcript),
    /** A code for the next callback, as consent at the simulator gives it. */
    async consent(grant) {
      return (await simulator.grant({ redirectUri, ...grant })).code;
    },
    connect: (client, grant) => client.connect(simulator, grant),
    connected: (client, grant) => client.connected(simulator, grant),
    /** All that the Worker has printed by now, which arrives later than its answers: a last line is asked for. */
    async log() {
      const { headers } = await send(`${edge.at(0)}${PREFIX}/nowhere`);
      await until("the log has the last line", () => edge.log().includes(headers["x-request-id"]));
      return edge.log();
    },
    /** The time by the Worker's clock, in ms since the epoch. */
    now: () => Date.now() + offset,
    /** Lets time pass for the Worker, which has to be `instrumentedModules()`, for Smartcar and for KV. */
    async travel(ms) {
      offset += ms;
      await setClock(edge, offset);
      await simulator.advance(ms);
      edgeOptions.kv?.store.advance(ms);
    },
    async close() {
      closeConnections();
      await Promise.all([edge.stop(), simulator.stop(), ...Object.values(gates).map((gate) => gate.close())]);
    },
  };
}
