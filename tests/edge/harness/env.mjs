// One simulator, one Worker, and visitors: what most test files start with.
import { closeConnections } from "./http.mjs";
import { freePort, startEdge } from "./edge.mjs";
import { setClock } from "./instrumented.mjs";
import { settings } from "./settings.mjs";
import { startSimulator } from "./simulator.mjs";
import { Client } from "./client.mjs";

/**
 * Starts a simulator and a Worker that believes it to be Smartcar.
 * @param {object} [options]
 * @param {(values: Record<string, string>) => Record<string, string>} [options.adjust] changes the configuration
 * @param {(values: Record<string, string>) => object[]} [options.variants] see `startEdge`
 * The other options are those of `startEdge`.
 */
export async function openEnv({ adjust = (values) => values, variants = () => [], ...edgeOptions } = {}) {
  const port = await freePort();
  const page = `http://localhost:${port}`;
  const redirectUri = `${page}/`;
  const simulator = await startSimulator([redirectUri]);
  const values = adjust(settings({ simulator, allowedOrigins: [page] }));
  let edge;
  try {
    edge = await startEdge({ bindings: values, port, variants: variants(values), ...edgeOptions });
  } catch (error) {
    await simulator.stop();
    throw error;
  }
  const transcript = [];
  let offset = 0;

  /** A code for `visitor`'s next callback, as consent at the simulator would give it. */
  async function consent(grant) {
    return (await simulator.grant({ redirectUri, ...grant })).code;
  }

  return {
    page,
    redirectUri,
    simulator,
    edge,
    values,
    /** Every answer that the Worker gave to a visitor. */
    transcript,
    client: () => new Client(edge, page, transcript),
    consent,
    /** The whole flow without a browser: start, consent, finish. */
    async connect(client, grant) {
      const { state } = await client.start();
      const query = { code: await consent(grant), state };
      return { query, answer: await client.finish(query) };
    },
    /** Lets time pass for the Worker, which has to be `instrumentedModules()`, for Smartcar and for KV. */
    async travel(ms) {
      offset += ms;
      await setClock(edge, offset);
      await simulator.advance(ms);
      edgeOptions.kv?.store.advance(ms);
    },
    async close() {
      closeConnections();
      await Promise.all([edge.stop(), simulator.stop()]);
    },
  };
}
