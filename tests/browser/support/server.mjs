// One HTTP server for a test file: the app's page, the built package, and a stand-in for the Worker that records what it
// is sent. Under `localhost` it is the app's origin, under `127.0.0.1` Connect's and a Worker's on another origin.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname } from "node:path";

const PACKAGE = new URL("../../../dist/package/", import.meta.url);
const TYPES = { ".js": "text/javascript", ".wasm": "application/wasm" };
export const APPLICATION_ID = "11111111-2222-4333-8444-555555555555";

const PAGE = `<!doctype html><meta charset="utf-8"><title>app</title>
<script type="module">
  import * as connect from "./pkg/index.js";
  window.connect = connect;
  if (location.pathname !== "/idle") await connect.init();
  document.title = "ready";
</script>`;

/** A page that finishes by itself, as an app does. */
const APP = `<!doctype html><meta charset="utf-8"><title>app</title>
<script type="module">
  import * as connect from "./pkg/index.js";
  window.connect = connect;
  const told = ({ kind, code, name }) => kind ?? code ?? name;
  if (connect.hasCallback()) connect.finish().then(told, told).then((told) => (document.title = "finished: " + told));
  else document.title = "ready";
</script>`;

export const CONNECTION = {
  id: "AAECAwQFBgcICQoLDA0ODw",
  status: "active",
  cause: null,
  since: 1790000000000,
  vehicles: [{ id: "36ab27d0-fd9d-4455-823a-ce30af709ffc" }],
  connectedAt: 1790000000000,
  accessExpiresAt: 1790007200000,
  refreshExpiresAt: 1795184000000,
};

export async function serve() {
  const server = createServer((request, response) => {
    handle(request, response).catch((error) => response.writeHead(500).end(String(error)));
  });
  await new Promise((resolve) => server.listen(0, "localhost", resolve));
  const { port } = server.address();
  // Node resolves `localhost` to one of its addresses; the browser may try either.
  const others = await listenElsewhere(server, port);
  const world = {
    app: `http://localhost:${port}`,
    elsewhere: `http://127.0.0.1:${port}`,
    requests: [],
    /** The pages that were asked for, each with where from. */
    visits: [],
    answers: {},
    /** The requests to a path of the Worker's. */
    sent: (path) => world.requests.filter((request) => request.path === path && request.method !== "OPTIONS"),
    reset() {
      world.requests = [];
      world.visits = [];
      world.answers = {
        "/connect/start": json({
          externalId: "ext-1",
          applicationId: APPLICATION_ID,
          connectOrigin: world.elsewhere,
          expiresAt: 1790000600000,
          session: "resumed",
        }),
        "/connect/attempts": json({ status: "pending" }),
        "/connect/finish": json({ kind: "connected", connection: CONNECTION }),
        "/connections": json({ connections: [CONNECTION] }),
        "DELETE /connections": DONE,
        [`DELETE /connections/${CONNECTION.id}`]: DONE,
        "/vehicles": json({ vehicles: [{ id: "v1", connectionId: CONNECTION.id, make: "TESLA", model: "Model 3", year: 2024 }] }),
      };
    },
    async close() {
      for (const each of [server, ...others]) {
        each.closeAllConnections();
        await new Promise((resolve) => each.close(resolve));
      }
    },
  };
  world.reset();

  async function handle(request, response) {
    const url = new URL(request.url, world.app);
    const prefix = ["/smartcar", "/other/edge"].find((prefix) => url.pathname.startsWith(`${prefix}/`));
    if (prefix) return edge(request, response, url.pathname.slice(prefix.length), url.search);
    if (url.pathname.startsWith("/oauth/")) return html(response, "<title>Connect</title>");
    const file = url.pathname.match(/\/pkg2?\/([\w.-]+)$/)?.[1];
    if (file) {
      world.visits.push({ url: request.url, referer: request.headers.referer });
      const body = await readFile(new URL(file, PACKAGE)).catch(() => null);
      response.writeHead(body ? 200 : 404, { "content-type": TYPES[extname(file)] ?? "text/plain" }).end(body);
      return;
    }
    const headers = url.pathname.startsWith("/cut/") ? { "cross-origin-opener-policy": "same-origin" } : {};
    world.visits.push({ url: request.url, referer: request.headers.referer });
    html(response, url.pathname === "/favicon.ico" ? "" : url.pathname.endsWith("/app") ? APP : PAGE, headers);
  }

  async function edge(request, response, path, search) {
    let text = "";
    for await (const chunk of request) text += chunk;
    const { method, headers } = request;
    world.requests.push({ path, search, method, headers, body: text ? JSON.parse(text) : null });
    const cors = {
      "access-control-allow-origin": headers.origin ?? "*",
      "access-control-allow-credentials": "true",
      "access-control-allow-methods": "GET, POST, PUT, DELETE",
      "access-control-allow-headers": "authorization, content-type, x-requested-with, sc-unit-system",
      "access-control-expose-headers": "retry-after, x-request-id, sc-request-id, sc-data-age, sc-fetched-at, sc-unit-system",
    };
    if (method === "OPTIONS") return response.writeHead(204, cors).end();
    const general = path.replace(/^(\/connect\/attempts)\/[\w-]{43}$/, "$1");
    const given = world.answers[`${method} ${path}`] ?? world.answers[general];
    const answer = (await (typeof given === "function" ? given({ path, headers, method, body: text, request }) : given)) ?? { status: 404, type: "text/plain", body: "no such route" };
    if (answer === "reset") return request.socket.destroy();
    const headersOut = { "cache-control": "no-store", ...answer.headers, ...cors };
    if (answer.type) headersOut["content-type"] = answer.type;
    response.writeHead(answer.status, headersOut).end(answer.body);
  }

  return world;
}

/** An answer of the Worker. */
export function json(body, status = 200) {
  return { status, type: "application/json", body: JSON.stringify(body) };
}

/** An answer of the Worker that says no more than that it is done. */
const DONE = { status: 204 };

/** An answer of the Worker that is an error. */
export function problem(status, code, detail, more = {}) {
  const body = { type: `urn:smartcar-connect:problem:${code}`, title: code, status, code, detail, requestId: "req-1", ...more };
  return { status, type: "application/problem+json", body: JSON.stringify(body) };
}

function html(response, body, headers = {}) {
  response.writeHead(200, { "content-type": "text/html; charset=utf-8", ...headers }).end(body);
}

async function listenElsewhere(server, port) {
  const { address } = server.address();
  const rest = ["127.0.0.1", "::1"].filter((host) => host !== address);
  const servers = [];
  for (const host of rest) {
    const other = createServer((request, response) => server.emit("request", request, response));
    const listening = await new Promise((resolve) => {
      other.once("error", () => resolve(false));
      other.listen(port, host, () => resolve(true));
    });
    if (listening) servers.push(other);
  }
  return servers;
}
