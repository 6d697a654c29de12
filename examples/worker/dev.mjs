// The Worker and a simulator in Smartcar's place, for the page of any example: until Ctrl-C.
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";

import { startSimulator } from "smartcar-connect-simulator";

const { PAGE = "http://localhost:5173/", PORT = "8787", SIMULATOR_PORT = "9191" } = process.env;
const run = (program, args) => [process.execPath, [`node_modules/${program}`, ...args], { stdio: "inherit" }];

const simulator = await startSimulator({ port: Number(SIMULATOR_PORT), redirectUris: [PAGE] });
if (!existsSync("wrangler.jsonc")) {
  const { status } = spawnSync(
    ...run("smartcar-connect/cli/main.js", ["init", "--yes", "--simulator", simulator.origin, "--redirect-uri", PAGE]),
  );
  if (status !== 0) process.exit(1);
}
const worker = spawn(...run("wrangler/bin/wrangler.js", ["dev", "--port", PORT, "--inspector-port", "0", "--show-interactive-dev-session=false"]));
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => worker.kill());
worker.on("exit", async (code) => {
  await simulator.stop();
  process.exit(code ?? 0);
});
