// The simulator as a package: the same program as the tests of the Worker use, in Node.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";

import { ROOT, run, tarball } from "./support/consumer.mjs";
import { ended } from "./support/deployment.mjs";

const CLIENT = { client_id: "11111111-2222-4333-8444-555555555555", client_secret: "simulator-client-secret" };
const V3_CLIENT = { client_id: "client_simulator", client_secret: "simulator-api-client-secret" };
const REDIRECT_URI = "http://localhost:8787/";
const HOUR_MS = 3_600_000;

let folder;
let installed;
let startSimulator;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "smartcar-connect-simulator-"));
  await writeFile(join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
  await run(folder, "npm", ["install", "--offline", "--ignore-scripts", await tarball("smartcar-connect-simulator")]);
  installed = join(folder, "node_modules/smartcar-connect-simulator");
  ({ startSimulator } = await import(pathToFileURL(join(installed, "index.js"))));
});
after(() => rm(folder, { recursive: true, force: true }));

async function started(t, options) {
  const simulator = await startSimulator(options);
  t.after(() => simulator.stop());
  return simulator;
}

const token = (simulator, fields, path = "/oauth/token", client = CLIENT) =>
  fetch(`${simulator.origin}${path}`, {
    method: "POST",
    headers: { "user-agent": "test" },
    body: new URLSearchParams({ ...client, ...fields }),
  });
const exchange = (simulator, code) => token(simulator, { grant_type: "authorization_code", code, redirect_uri: REDIRECT_URI });
const api = (simulator, path, access) => fetch(`${simulator.origin}${path}`, { headers: { authorization: `Bearer ${access}` } });

test("the package holds these files, in the version of the other one", async () => {
  const files = await readdir(installed);
  assert.deepEqual(files.sort(), [
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "THIRD-PARTY-LICENSES",
    "host.js",
    "index.d.ts",
    "index.js",
    "main.js",
    "package.json",
    "server.js",
    "simulator.js",
    "simulator_bg.wasm",
  ]);
  const { version, dependencies } = JSON.parse(await readFile(join(installed, "package.json"), "utf8"));
  assert.equal(dependencies, undefined);
  const crate = /^version = "(.+)"$/m.exec(await readFile(join(ROOT, "Cargo.toml"), "utf8"))[1];
  assert.equal(version, crate);
});

test("publint has nothing to say", async () => {
  await run(installed, "publint", ["run", ".", "--strict", "--pack", "false"]);
});

test("v2: a code is exchanged, tokens are refreshed and expire by its clock", async (t) => {
  const simulator = await started(t);
  const { code } = await simulator.grant({ scopes: ["read_odometer"] });
  const pair = await (await exchange(simulator, code)).json();
  assert.equal((await exchange(simulator, code)).status, 400, "a code is good once");
  const { vehicles } = await (await api(simulator, "/v2.0/vehicles", pair.access_token)).json();
  assert.equal((await api(simulator, `/v2.0/vehicles/${vehicles[0]}/odometer`, pair.access_token)).status, 200);
  const before = await simulator.now();
  await simulator.advance(3 * HOUR_MS);
  assert.ok((await simulator.now()) >= before + 3 * HOUR_MS);
  assert.equal((await api(simulator, "/v2.0/vehicles", pair.access_token)).status, 401);
  const refreshed = await (await token(simulator, { grant_type: "refresh_token", refresh_token: pair.refresh_token })).json();
  assert.equal((await api(simulator, "/v2.0/vehicles", refreshed.access_token)).status, 200);
  const counts = await simulator.counts();
  assert.deepEqual([counts.exchangeCommitted, counts.exchangeRefused, counts.refreshCommitted], [1, 1, 1]);
  const asked = await simulator.requests();
  assert.deepEqual(asked.map(({ endpoint }) => endpoint).slice(0, 3), ["exchange", "exchange", "vehicles"]);
  assert.ok((await simulator.secrets()).includes(refreshed.refresh_token));
});

test("v3: the application's token opens the signals of an owner's car", async (t) => {
  const simulator = await started(t);
  const { userId } = await simulator.grant();
  const answer = await token(simulator, { grant_type: "client_credentials" }, "/oauth2/token", V3_CLIENT);
  const { access_token } = await answer.json();
  const [{ vehicleId }] = await simulator.connections();
  const ask = () =>
    fetch(`${simulator.origin}/v3/vehicles/${vehicleId}/signals`, {
      headers: { authorization: `Bearer ${access_token}`, "sc-user-id": userId },
    });
  assert.equal((await ask()).status, 200);
  await simulator.revokeApplicationTokens();
  assert.equal((await ask()).status, 401);
});

test("faults: of the connection, of time and of the answer", async (t) => {
  const simulator = await started(t);
  const fails = async (fault) => {
    const { code } = await simulator.grant();
    await simulator.fault({ endpoint: "exchange", ...fault });
    return exchange(simulator, code).then((answer) => answer.text());
  };
  await assert.rejects(fails({ kind: "reset_before" }), ({ cause }) => cause.code === "ECONNRESET");
  await assert.rejects(fails({ kind: "reset_after" }), ({ cause }) => cause.code === "ECONNRESET");
  await assert.rejects(fails({ kind: "close" }));
  await assert.rejects(fails({ kind: "truncated", how: "length" }));
  await assert.rejects(fails({ kind: "truncated", how: "json" }).then(JSON.parse), SyntaxError);
  assert.equal((await fails({ kind: "oversized" })).length, 64 * 1024 + 1);
  assert.equal(await fails({ kind: "status", status: 503, body: "down" }), "down");
  assert.match(await fails({ kind: "slow_body", ms: 200 }), /"access_token"/);
  const { exchangeCommitted } = await simulator.counts();
  assert.equal(exchangeCommitted, 2, "`reset_after` and `slow_body` take place");
  await simulator.fault({ endpoint: "refresh", kind: "close", times: null });
  assert.equal((await simulator.faults()).length, 1);
  await simulator.clearFaults();
  assert.deepEqual(await simulator.faults(), []);
});

test("who hangs up while an answer is late has changed nothing", async (t) => {
  const simulator = await started(t);
  const { code } = await simulator.grant();
  await simulator.fault({ endpoint: "exchange", kind: "slow_headers", ms: 60_000 });
  const abort = new AbortController();
  const late = fetch(`${simulator.origin}/oauth/token`, {
    method: "POST",
    headers: { "user-agent": "test" },
    body: new URLSearchParams({ ...CLIENT, grant_type: "authorization_code", code, redirect_uri: REDIRECT_URI }),
    signal: abort.signal,
  });
  while ((await simulator.requests()).length === 0);
  abort.abort();
  await assert.rejects(late);
  assert.equal((await exchange(simulator, code)).status, 200, "the code is still good");
});

test("webhooks are sent, signed", async (t) => {
  const received = [];
  const server = createServer((request, response) => {
    received.push(request.headers["sc-signature"]);
    response.end();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => new Promise((resolve) => server.close(resolve).closeAllConnections()));
  const arrived = new Promise((resolve) => server.once("request", resolve));
  const simulator = await started(t, { webhookUrl: `http://127.0.0.1:${server.address().port}/hook` });
  await simulator.grant();
  const [{ vehicleId }] = await simulator.connections();
  await simulator.setVehicle(vehicleId, { needsReauthentication: true });
  await arrived;
  assert.match(received[0], /^[0-9a-f]{64}$/);
});

test("what was granted is in a file and is there again", async (t) => {
  const stateFile = join(folder, "deep/er/state.json");
  const first = await started(t, { stateFile });
  const { code } = await first.grant();
  const { access_token } = await (await exchange(first, code)).json();
  await first.stop();
  const second = await started(t, { stateFile });
  assert.equal((await api(second, "/v2.0/vehicles", access_token)).status, 200);
  await writeFile(stateFile, "<html>");
  await assert.rejects(startSimulator({ stateFile }), /cannot read .*state\.json: .*delete it to begin anew/);
});

test("several run side by side, and a mistake is named", async (t) => {
  const [one, other] = [await started(t), await started(t, { clientId: "app", redirectUris: ["http://a.test/", "http://b.test/"] })];
  await one.grant();
  assert.deepEqual([(await one.connections()).length > 0, await other.connections()], [true, []]);
  assert.equal((await other.configuration()).clientId, "app");
  assert.deepEqual((await other.configuration()).redirectUris, ["http://a.test/", "http://b.test/"]);
  await assert.rejects(startSimulator({ port: one.port }), { code: "EADDRINUSE" });
  await assert.rejects(startSimulator({ redirectUris: ["/back"] }), /`--redirect-uri` must be an absolute URI/);
  await assert.rejects(startSimulator({ prot: 1 }), /`prot` is no option/);
  await assert.rejects(one.configure({ nonsense: 1 }), /nonsense/);
});

test("the program says where it listens, ends by a signal, and explains itself", async (t) => {
  const program = join(installed, "main.js");
  const child = spawn(process.execPath, [program, "--port", "0"], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const [line] = await new Promise((resolve) => child.stdout.once("data", (text) => resolve(String(text).split("\n"))));
  const [, origin] = /^listening on (http:\/\/127\.0\.0\.1:\d+)$/.exec(line);
  assert.equal((await fetch(`${origin}/_control/healthz`)).status, 200);
  child.kill("SIGTERM");
  assert.equal(await new Promise((resolve) => child.once("exit", resolve)), 0);
  const help = await ended(process.execPath, [program, "--help"], {});
  assert.match(help.stdout, /Usage: npx smartcar-connect-simulator/);
  const wrong = await ended(process.execPath, [program, "--prot"], {});
  assert.deepEqual([wrong.code, wrong.stdout], [1, ""]);
  assert.match(wrong.stderr, /invalid option '--prot'/);
});

test("`npx smartcar-connect simulator` finds it, or says where it is", async () => {
  const command = join(ROOT, "dist/package/cli/main.js");
  const found = await ended(process.execPath, [command, "simulator", "--help"], { cwd: folder });
  assert.match(found.stdout, /Usage: npx smartcar-connect-simulator/);
  const missing = await ended(process.execPath, [command, "simulator"], { cwd: tmpdir() });
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /`npx smartcar-connect-simulator`/);
});

test("the declarations fit what there is", async () => {
  const usage = `
    import { startSimulator, type Simulator } from "smartcar-connect-simulator";
    const simulator: Simulator = await startSimulator({ redirectUris: ["http://localhost/"] });
    const { code } = await simulator.grant({ mode: "simulated" });
    await simulator.fault({ endpoint: "exchange", kind: "status", status: 503 });
    // @ts-expect-error There is no such kind.
    await simulator.fault({ endpoint: "exchange", kind: "nonsense" });
    const first: number | null | undefined = (await simulator.requests())[0]?.status;
    void [code, first];
  `;
  await writeFile(join(folder, "usage.ts"), usage);
  const compilerOptions = { target: "es2022", module: "nodenext", moduleResolution: "nodenext", lib: ["es2022"], types: [], strict: true, skipLibCheck: false, noEmit: true };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["usage.ts"] }));
  await run(folder, "tsc", ["--project", "."]);
  const types = await readFile(join(installed, "index.d.ts"), "utf8");
  const simulator = await startSimulator();
  await simulator.stop();
  for (const name of Object.keys(simulator)) assert.match(types, new RegExp(`\\b${name}[(:]`), name);
});
