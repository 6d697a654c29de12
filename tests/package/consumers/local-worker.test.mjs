// What a newcomer starts beside an example: the Worker in wrangler and the simulator, both from their packages.
import process from "node:process";
import { test } from "node:test";

import { freePort } from "../../edge/harness/port.mjs";
import { run } from "../support/consumer.mjs";
import { assertConnects } from "../support/example.mjs";
import { example, served } from "../support/project.mjs";

test("npm run dev of the Worker, and a page without a build", async (t) => {
  const [worker, html, port, simulatorPort] = await Promise.all([example("worker"), example("html"), freePort(), freePort()]);
  const origin = `http://localhost:${port}`;
  const env = { PAGE: `${origin}/`, SIMULATOR_PORT: String(simulatorPort), CLOUDFLARE_CF_FETCH_ENABLED: "false", WRANGLER_SEND_METRICS: "false" };
  const workerPort = await freePort();
  const options = { port: workerPort, env: { ...env, PORT: String(workerPort) }, path: "/smartcar/healthz" };
  const there = await served(t, worker, process.execPath, () => ["dev.mjs"], options);
  await run(html, process.execPath, ["copy.mjs"]);
  await served(t, html, "http-server", () => ["public", "-p", String(port), "-c-1", "-P", there], { port });
  const at = `http://127.0.0.1:${simulatorPort}`;
  const simulator = { origin: at, secrets: async () => (await (await fetch(`${at}/_control/secrets`)).json()).secrets };
  await assertConnects(t, { origin, simulator });
});
