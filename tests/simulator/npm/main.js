#!/usr/bin/env node
// `npx smartcar-connect-simulator`: until Ctrl-C.
import process from "node:process";

import { help, serve } from "./server.js";

try {
  const running = await serve(process.argv.slice(2));
  process.stdout.write(running ? `listening on ${running.origin}\n` : help());
  if (running) for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => running.stop().then(() => process.exit(0)));
} catch (error) {
  process.stderr.write(`smartcar-connect-simulator: ${error.message ?? error}\n`);
  process.exitCode = 1;
}
