// `npm run dev`: all four parts on this machine, until Ctrl-C.
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

import { startSimulator } from "smartcar-connect-simulator";
import { createServer } from "vite";

import { settings } from "./settings.js";

/** A slow machine takes long, and a Worker that lacks a setting says so for ever. */
const PATIENCE_MS = 300_000;
const { app, worker } = await settings();
const children = [];
let stopping = false;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => stop(0));

try {
  // Smartcar: the simulator, unless `.dev.vars` leads to the real one.
  const smartcar = worker.SMARTCAR_CONNECT_ORIGIN;
  if (smartcar) await simulate(new URL(smartcar).port);

  // The Worker, in the runtime of Cloudflare's.
  const port = new URL(app.WORKER).port;
  run("The Worker", join("node_modules", "wrangler", "bin", "wrangler.js"), "dev", "--port", port, "--inspector-port", "0", "--show-interactive-dev-session=false");

  // The app's back end; it starts anew when one of its files is changed.
  run("The back end", "--watch", "--env-file=.env", join("server", "main.js"));

  await Promise.all([healthy(`${app.WORKER}/healthz`), healthy(`http://localhost:${app.PORT}/app/healthz`)]);

  // The page, by Vite, whose server leads to the other two (`vite.config.js`): all is on one origin, as it will be in production.
  const page = await createServer();
  await page.listen();
  console.log(`\n  Open  ${app.ORIGIN}/\n`);
} catch (error) {
  console.error(error.message);
  stop(1);
}

/** With what was granted before, as the Worker has it too. */
async function simulate(port) {
  mkdirSync(".wrangler", { recursive: true });
  await startSimulator({
    port: Number(port),
    redirectUris: [`${app.ORIGIN}/`],
    webhookUrl: `${app.WORKER}/webhooks`,
    managementToken: worker.SMARTCAR_MANAGEMENT_TOKEN,
    stateFile: join(".wrangler", "simulator.json"),
  });
}

/** A program of Node's, whose end is the end of everything. */
function run(name, ...args) {
  const child = spawn(process.execPath, args, { stdio: ["ignore", "inherit", "inherit"] });
  children.push(child);
  child.once("exit", (code) => {
    if (stopping) return;
    console.error(`${name} has stopped (${code}); what it said is above.`);
    stop(1);
  });
}

async function healthy(address) {
  let said = "nothing";
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end && !stopping; await sleep(200)) {
    const answer = await fetch(address).catch(() => undefined);
    if (answer?.ok) return;
    said = (await answer?.text()) ?? said;
  }
  throw new Error(`${address} answers: ${said}`);
}

function stop(code) {
  stopping = true;
  for (const child of children) child.kill();
  process.exit(code);
}
