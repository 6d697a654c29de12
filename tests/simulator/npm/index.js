// A simulator for a test.
import { serve } from "./server.js";

/** Each option by its name on the command line. */
const FLAGS = {
  port: "--port",
  clientId: "--client-id",
  clientSecret: "--client-secret",
  redirectUris: "--redirect-uri",
  webhookUrl: "--webhook-url",
  managementToken: "--management-token",
  stateFile: "--state",
};

export async function startSimulator(options = {}) {
  const { origin, port, stop } = await serve(argumentsOf(options)).catch((error) => {
    throw error instanceof Error ? error : new Error(error);
  });

  async function control(method, path, body) {
    const answer = await fetch(`${origin}/_control${path}`, {
      method,
      ...(body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    });
    const json = await answer.json();
    if (!answer.ok) throw new Error(json.error);
    return json;
  }

  const done = async (answer) => void (await answer);
  return {
    origin,
    port,
    control,
    reset: () => done(control("POST", "/reset")),
    requests: async () => (await control("GET", "/requests")).requests,
    counts: () => control("GET", "/counts"),
    secrets: async () => (await control("GET", "/secrets")).secrets,
    tokens: () => control("GET", "/tokens"),
    connections: async () => (await control("GET", "/connections")).connections,
    configuration: () => control("GET", "/config"),
    configure: (changes) => done(control("POST", "/config", changes)),
    advance: (ms) => done(control("POST", "/clock", { advanceMs: ms })),
    now: async () => (await control("GET", "/clock")).now,
    fault: (fault) => done(control("POST", "/fault", fault)),
    faults: async () => (await control("GET", "/faults")).faults,
    clearFaults: () => done(control("DELETE", "/faults")),
    grant: (grant = {}) => control("POST", "/grants", grant),
    setVehicle: (id, changes) => done(control("POST", `/vehicles/${encodeURIComponent(id)}`, changes)),
    disconnectVehicle: (id) => done(control("DELETE", `/vehicles/${encodeURIComponent(id)}`)),
    revokeApplicationTokens: () => done(control("DELETE", "/application-tokens")),
    stop,
    [Symbol.asyncDispose ?? Symbol("asyncDispose")]: stop,
  };
}

function argumentsOf(options) {
  const args = options.verbose ? ["--verbose"] : [];
  for (const [name, value] of Object.entries(options)) {
    if (name === "verbose" || value === undefined) continue;
    if (!Object.hasOwn(FLAGS, name)) throw new TypeError(`\`${name}\` is no option of \`startSimulator\``);
    for (const one of [value].flat()) args.push(`${FLAGS[name]}=${one}`);
  }
  return args;
}
