// Listens, and hands each request on to the module.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

import { Simulator, help, initSync } from "./simulator.js";

initSync({ module: readFileSync(new URL("./simulator_bg.wasm", import.meta.url)) });

export { help };

/** More than the module takes: it answers that it is too much. */
const MOST_BYTES = 1024 * 1024 + 1;

/**
 * Serves what a command line says, on this machine alone; `undefined` where it asks for the help.
 * @param {string[]} args
 */
export async function serve(args) {
  const simulator = Simulator.fromArguments(args);
  if (!simulator) return undefined;
  const server = createServer((request, response) => {
    exchange(simulator, request, response).catch(() => request.socket.destroy());
  });
  await new Promise((resolve, reject) => server.once("error", reject).listen(simulator.port, "127.0.0.1", resolve));
  const { port } = server.address();
  const stop = () => new Promise((resolve) => server.close(() => resolve()).closeAllConnections());
  return { origin: `http://127.0.0.1:${port}`, port, stop };
}

async function exchange(simulator, request, response) {
  const gone = new Promise((resolve) => response.once("close", resolve));
  const end = await simulator.answer(
    request.method,
    request.url,
    request.rawHeaders,
    await bodyOf(request),
    gone,
    (status, headers) => response.writeHead(status, headers),
    (part) => response.write(part),
  );
  if (end === "reset") request.socket.resetAndDestroy();
  else if (end === "close") request.socket.destroy();
  else if (!response.destroyed) response.end();
}

async function bodyOf(request) {
  const parts = [];
  let bytes = 0;
  for await (const part of request) {
    if (bytes < MOST_BYTES) parts.push(part);
    bytes += part.length;
  }
  return Buffer.concat(parts).subarray(0, MOST_BYTES);
}
