// The Worker, and a simulator in Smartcar's place, for the page of any example: until Ctrl-C.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import process from "node:process";

import { startSimulator } from "smartcar-connect-simulator";

const { PAGE = "http://localhost:5173/", PORT = "8787", SIMULATOR_PORT = "9191" } = process.env;
const node = (file, args) => [process.execPath, [`node_modules/${file}`, ...args], { stdio: "inherit" }];

const redirectUris = [PAGE, new URL("de.html", PAGE).href];
const simulator = await startSimulator({ port: Number(SIMULATOR_PORT), redirectUris });
if (!existsSync("wrangler.jsonc")) {
  const options = ["--yes", "--simulator", simulator.origin, "--redirect-uri", PAGE];
  const { status } = spawnSync(...node("smartcar-connect/cli/main.js", ["init", ...options]));
  if (status !== 0) process.exit(1);
}
// The simulator forgets its owners when it ends: so does the Worker.
rmSync(".wrangler/state", { recursive: true, force: true });
const options = ["--port", PORT, "--inspector-port", "0", "--show-interactive-dev-session=false"];
const worker = spawn(...node("wrangler/bin/wrangler.js", ["dev", ...options]));
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => worker.kill());
worker.on("exit", async (code) => {
  await simulator.stop();
  process.exit(code ?? 0);
});
