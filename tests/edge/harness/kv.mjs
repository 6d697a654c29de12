// Workers KV as it really is: reads are cached per location for up to a minute, misses too; a key takes one write per
// second; a write may fail or be lost. The binding in the Worker is workerd's own; Miniflare carries its requests here.
//
// How it does so is private to Miniflare (`remoteProxyConnectionString`, the headers `mf-url` and `mf-header-…`), and so are
// the paths and headers of workerd's KV binding: an upgrade of either may change them. `kv.test.mjs` shows whether it has.
import http from "node:http";

import { KvStore } from "./kv-store.mjs";

async function bodyOf(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** KV's own HTTP protocol, as workerd's binding speaks it: what is asked of which location. */
function parse(request) {
  const asked = new URL(request.headers["mf-url"]);
  const location = request.url.slice(1);
  if (asked.pathname === "/") return { operation: "list", location, parameters: asked.searchParams };
  if (asked.pathname === "/bulk/get") return { operation: "bulk", location };
  return {
    operation: { GET: "get", PUT: "put", DELETE: "delete" }[request.method],
    location,
    key: decodeURIComponent(asked.pathname.slice(1)),
    parameters: asked.searchParams,
    metadata: request.headers["mf-header-cf-kv-metadata"],
  };
}

function valueHeaders(entry) {
  return {
    ...(entry.expiresAt === undefined ? {} : { "CF-Expiration": String(Math.floor(entry.expiresAt / 1000)) }),
    ...(entry.metadata === undefined ? {} : { "CF-KV-Metadata": entry.metadata }),
  };
}

function answerTo(store, asked, body) {
  switch (asked.operation) {
    case "get": {
      const entry = store.read(asked.location, asked.key);
      return entry ? { status: 200, headers: valueHeaders(entry), body: entry.value } : { status: 404 };
    }
    case "bulk": {
      const { keys, type, withMetadata } = JSON.parse(body);
      const found = keys.map((key) => {
        const entry = store.read(asked.location, key);
        if (!entry) return [key, null];
        const text = entry.value.toString();
        const value = type === "json" ? JSON.parse(text) : text;
        return [key, withMetadata ? { value, metadata: entry.metadata ? JSON.parse(entry.metadata) : null } : value];
      });
      return { status: 200, body: JSON.stringify(Object.fromEntries(found)) };
    }
    case "put":
      return store.write(asked.location, asked.key, {
        value: body,
        metadata: asked.metadata,
        ttl: asked.parameters.get("expiration_ttl"),
        expiration: asked.parameters.get("expiration"),
      });
    case "delete":
      return store.write(asked.location, asked.key, undefined);
    default:
      if (store.refusesCursors && asked.parameters.get("cursor")) return { status: 400, body: "unknown cursor" };
      return { status: 200, body: JSON.stringify(store.list(asked.parameters)) };
  }
}

/**
 * Starts a KV namespace that misbehaves as it is told to; see `KvStore` for how.
 * @returns {Promise<{store: KvStore, bindingFor: (isolate: number) => object, close: () => Promise<void>}>}
 *   `bindingFor` returns a binding in a location of its own for each isolate
 */
export async function startKv() {
  const store = new KvStore();
  const server = http.createServer(async (request, response) => {
    const body = await bodyOf(request);
    const asked = parse(request);
    const writes = asked.operation === "put" || asked.operation === "delete";
    const metadata = asked.metadata && JSON.parse(asked.metadata);
    if (writes) await store.onWrite({ key: asked.key, metadata, when: "before" });
    else await store.onRead({ operation: asked.operation, key: asked.key });
    const answer = answerTo(store, asked, body);
    if (writes) await store.onWrite({ key: asked.key, metadata, when: "after" });
    response.writeHead(answer.status, answer.headers ?? {});
    response.end(answer.body);
  });
  await new Promise((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  return {
    store,
    bindingFor: (isolate) => ({
      id: "tokens",
      remoteProxyConnectionString: new URL(`http://127.0.0.1:${port}/location-${isolate}`),
    }),
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}
