// The page, in `page/`. In development Vite's server passes on to the Worker and to the back end what is theirs, so that the page asks
// its own origin for everything, as it will behind a route of Cloudflare's: no CORS, first-party cookies, and one redirect URI.
import { existsSync, readFileSync } from "node:fs";
import { parseEnv } from "node:util";

const { ORIGIN, PORT, WORKER } = existsSync(".env") ? parseEnv(readFileSync(".env", "utf8")) : {};
const address = (url) => new URL(url).origin;

export default {
  root: "page",
  build: { outDir: "../dist", emptyOutDir: true },
  server: ORIGIN && {
    host: "localhost",
    port: Number(new URL(ORIGIN).port),
    strictPort: true,
    // With the slash: a file of the page may be called smartcar.js.
    proxy: { "/smartcar/": address(WORKER), "/app/": `http://localhost:${PORT}` },
  },
};
