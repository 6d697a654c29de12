// A gate in front of Smartcar: it keeps answers back while a test does something else, for as long as that takes.
import net from "node:net";

/** Opens a gate in front of `origin`. */
export async function openGate(origin) {
  const target = new URL(origin);
  const sockets = new Set();
  const waiting = new Set();
  let opened = Promise.resolve();
  const server = net.createServer((near) => {
    const far = net.connect(Number(target.port), target.hostname);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
    }
    near.on("data", () => waiting.add(near));
    near.pipe(far);
    far.on("data", async (chunk) => {
      await opened;
      waiting.delete(near);
      if (!near.destroyed) near.write(chunk);
    });
    far.on("end", async () => {
      await opened;
      near.end();
    });
    // A connection that is reset on one side is reset on the other.
    far.on("error", () => near.resetAndDestroy());
    near.on("error", () => far.destroy());
    near.on("close", () => {
      waiting.delete(near);
      far.destroy();
    });
  });
  await new Promise((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    /** Keeps back every answer from now on. Returns what lets them pass. */
    hold() {
      const { promise, resolve } = Promise.withResolvers();
      opened = promise;
      return resolve;
    },
    /** How many connections are open on which an answer is waited for. */
    waiting: () => waiting.size,
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
