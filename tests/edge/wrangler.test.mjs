// The configuration that is deployed, `wrangler.toml`, run by wrangler itself.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { createTestHarness } from "wrangler";

import { Client } from "./harness/client.mjs";
import { closeConnections } from "./harness/http.mjs";
import { repository, wranglerToml } from "./harness/paths.mjs";
import { settings } from "./harness/settings.mjs";
import { startSimulator } from "./harness/simulator.mjs";
import { DAY } from "./harness/spans.mjs";
import { until } from "./harness/until.mjs";

const page = "http://localhost:8787";
const redirectUri = `${page}/`;
// wrangler runs the build of its configuration in the working directory, and that is a `make` of its own.
process.chdir(repository);
for (const name of ["MAKEFLAGS", "MAKELEVEL", "MFLAGS"]) delete process.env[name];
Object.assign(process.env, { CLOUDFLARE_CF_FETCH_ENABLED: "false", WRANGLER_SEND_METRICS: "false" });
const simulator = await startSimulator([redirectUri]);
const {
  SMARTCAR_CLIENT_SECRET,
  SEALING_KEYS,
  SERVICE_KEYS: _unused,
  PATH_PREFIX: _default,
  ...vars
} = settings({ simulator, allowedOrigins: [page] });
const harness = createTestHarness({
  workers: [{ configPath: wranglerToml, vars, secrets: { SMARTCAR_CLIENT_SECRET, SEALING_KEYS } }],
});
const { url } = await harness.listen();
after(async () => {
  closeConnections();
  await harness.close();
  await simulator.stop();
});

const edge = { at: () => url.origin };

test("a car is connected with the deployed configuration", async () => {
  const client = new Client(edge, page, []);
  assert.equal((await client.get("/healthz")).status, 200);
  const { state } = await client.start({ redirectUri });
  const { code } = await simulator.grant({ redirectUri });
  const answer = await client.finish({ code, state });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.json().kind, "connected");
  assert.deepEqual(await client.connections(), [answer.json().connection]);
});

test("the sealed grant lies in the `TOKENS` namespace, to end with the refresh token", async () => {
  const { TOKENS } = await harness.getWorker().getEnv();
  let keys = [];
  await until("KV has the grant, the index and a pair of look-ups", async () => {
    ({ keys } = await TOKENS.list());
    return keys.length === 4;
  });
  const days = keys.map(({ expiration }) => (expiration * 1000 - Date.now()) / DAY);
  assert.equal(days.filter((left) => left > 59.9 && left < 60.1).length, 1, `${days}`);
});
