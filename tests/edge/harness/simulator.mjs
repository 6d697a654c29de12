// The stand-in for Smartcar: starts it and speaks to its control address.
import { spawn } from "node:child_process";
import { once } from "node:events";
import readline from "node:readline";

import { send } from "./http.mjs";
import { simulatorBinary } from "./paths.mjs";

export const CLIENT_ID = "11111111-2222-4333-8444-555555555555";
export const CLIENT_SECRET = "simulator-client-secret";

async function firstAddress(child) {
  for await (const line of readline.createInterface({ input: child.stdout })) {
    const found = /listening on (http:\/\/\S+)/.exec(line);
    if (found) return new URL(found[1]).origin;
  }
  throw new Error("the simulator ended before it listened");
}

/** Starts a simulator that accepts the given redirect URIs. */
export async function startSimulator(redirectUris) {
  const flags = redirectUris.flatMap((uri) => ["--redirect-uri", uri]);
  const child = spawn(simulatorBinary(), ["--port", "0", ...flags], { stdio: ["ignore", "pipe", "pipe"] });
  const stderr = [];
  child.stderr.on("data", (chunk) => stderr.push(chunk));
  const ended = once(child, "exit");
  const origin = await Promise.race([
    firstAddress(child),
    once(child, "error").then(([error]) => Promise.reject(error)),
    ended.then(([code]) => {
      throw new Error(`the simulator ended with ${code}: ${Buffer.concat(stderr)}`);
    }),
  ]);
  child.stdout.resume();

  async function control(method, path, body) {
    const json = body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    const answer = await send(`${origin}/_control${path}`, { method, ...json });
    if (answer.status >= 300) throw new Error(`${method} /_control${path}: ${answer.status} ${answer.text}`);
    return answer.text === "" ? undefined : answer.json();
  }

  return {
    origin,
    reset: () => control("POST", "/reset", {}),
    /** Everything that was asked of it, control aside. */
    requests: async () => (await control("GET", "/requests")).requests,
    /** The requests to the token endpoint. */
    async tokenRequests() {
      return (await this.requests()).filter(({ path }) => path === "/oauth/token");
    },
    /** The requests that ended the access to a car, or tried to; `vehicleId` is in their path. */
    async disconnects() {
      const requests = (await this.requests()).filter(({ method }) => method === "DELETE");
      return requests.map((request) => ({ ...request, vehicleId: request.path.split("/")[3] }));
    },
    /** How many requests to an endpoint have not been answered yet. */
    async pending(endpoint) {
      return (await this.requests()).filter((request) => request.endpoint === endpoint && request.status === null).length;
    },
    /** Whether an access token is honoured. */
    async honours(token, path = "/v2.0/user") {
      const answer = await send(`${origin}${path}`, { headers: { authorization: `Bearer ${token}` } });
      return answer.status === 200;
    },
    counts: () => control("GET", "/counts"),
    /** Every code, token, VIN, … that it ever gave out. */
    secrets: async () => (await control("GET", "/secrets")).secrets,
    tokens: () => control("GET", "/tokens"),
    /** What v3 lists of connections. */
    connections: async () => (await control("GET", "/connections")).connections,
    /** Smartcar accepts none of the application's tokens any more. */
    revokeApplicationTokens: () => control("DELETE", "/application-tokens"),
    advance: (ms) => control("POST", "/clock", { advanceMs: ms }),
    configure: (config) => control("POST", "/config", config),
    /** Sets a car: whether its owner has to log in again at its maker. */
    setVehicle: (id, vehicle) => control("POST", `/vehicles/${id}`, vehicle),
    fault: (fault) => control("POST", "/fault", fault),
    /** The faults that have not been used up. */
    faults: async () => (await control("GET", "/faults")).faults,
    clearFaults: () => control("DELETE", "/faults"),
    /** Consent without the pages: a code as the redirect would carry it. */
    grant: (grant = {}) => control("POST", "/grants", grant),
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill();
        await ended;
      }
    },
  };
}
