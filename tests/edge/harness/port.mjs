// Ports to listen at.
import net from "node:net";

/** Below the ports that a system gives to whoever asks for any: nobody takes one of these in the meantime by chance. */
const PORTS = { first: 20_000, count: 12_000 };

function isFree(port) {
  const server = net.createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/** A port that is free now: the redirect URI has to be registered before the Worker listens. */
export async function freePort() {
  for (;;) {
    const port = PORTS.first + Math.floor(Math.random() * PORTS.count);
    if (await isFree(port)) return port;
  }
}
