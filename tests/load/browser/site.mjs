// The pages as Vite builds them and those without a bundler, served as a server for static files does: compressed once, in brotli. And a stand-in for the Worker.
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { brotliCompressSync } from "node:zlib";

import { build } from "vite";

import { plainPages } from "./plain.mjs";

const PAGE = (app) => `<!doctype html><meta charset="utf-8"><title>Cars</title>
<button disabled>Connect your car</button><script type="module" src="../apps/${app}.js"></script>`;
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm" };
// Times are then told to 5 µs, not to 100.
const ISOLATED = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };

async function built(folder, app) {
  const root = path.join(folder, app);
  await mkdir(root);
  await writeFile(path.join(root, "index.html"), PAGE(app));
  await build({ configFile: false, logLevel: "error", root, base: `/${app}/`, build: { outDir: path.join(folder, "built", app) } });
}

async function files(folder) {
  const found = new Map();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath, entry.name);
    const body = brotliCompressSync(await readFile(file));
    found.set(`/${path.relative(folder, file)}`.replace(/index\.html$/, ""), { type: TYPES[path.extname(file)], body });
  }
  return found;
}

/** What the Worker says to a browser that it does not know yet, and once that one has come back with its cookie. */
const ANSWERS = {
  start: () => ({
    applicationId: "11111111-2222-4333-8444-555555555555",
    connectOrigin: "https://connect.smartcar.com",
    externalId: "0".repeat(22),
    expiresAt: Date.now() + 600_000,
    session: "started",
  }),
  attempts: () => ({ status: "pending" }),
};

/** Builds and serves the pages. `sent` lists what was sent since it was emptied; `workerMs` is how long the Worker takes. */
export async function site(folder, apps) {
  for (const app of apps) await built(folder, app);
  await plainPages(folder, path.join(folder, "built"));
  const served = await files(path.join(folder, "built"));
  const state = { origin: "", sent: [], workerMs: 0 };
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://x");
    const [, call] = /^\/smartcar\/connect\/(start|attempts)/.exec(pathname) ?? [];
    if (call) {
      await sleep(state.workerMs);
      response.writeHead(200, { "content-type": "application/json", "cache-control": "no-store" });
      return response.end(JSON.stringify(ANSWERS[call]()));
    }
    const file = served.get(pathname);
    if (!file) return response.writeHead(404).end();
    state.sent.push({ path: pathname, bytes: file.body.length });
    response.writeHead(200, { "content-type": file.type, "content-encoding": "br", ...ISOLATED });
    return response.end(file.body);
  });
  await new Promise((resolve) => server.listen(0, "localhost", resolve));
  state.origin = `http://localhost:${server.address().port}`;
  state.close = () => new Promise((resolve) => server.close(resolve).closeAllConnections());
  return state;
}
