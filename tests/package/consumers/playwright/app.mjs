// A back end in its simplest form, by Smartcar's v2: the page, the way to Connect, and the callback.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";

const CLIENT = { client_id: "11111111-2222-4333-8444-555555555555", client_secret: "simulator-client-secret" };

/** Resolves once it listens. `smartcar` stands in for all of Smartcar's hosts. */
export async function startApp({ port, smartcar }) {
  const redirectUri = `http://localhost:${port}/callback`;
  const states = new Set();

  /** What became of it, for people. */
  async function finish(query) {
    if (!states.delete(query.get("state"))) return "not connected: unknown state";
    if (query.has("error")) return `not connected: ${query.get("error")}`;
    const answer = await fetch(`${smartcar}/oauth/token`, {
      method: "POST",
      headers: { "user-agent": "app" },
      body: new URLSearchParams({ ...CLIENT, grant_type: "authorization_code", code: query.get("code"), redirect_uri: redirectUri }),
    });
    if (!answer.ok) return "not connected: try again later";
    const { access_token } = await answer.json();
    const vehicles = await fetch(`${smartcar}/v2.0/vehicles`, { headers: { authorization: `Bearer ${access_token}` } });
    return `connected: ${(await vehicles.json()).vehicles.length} cars`;
  }

  const server = createServer(async (request, response) => {
    const url = new URL(request.url, redirectUri);
    if (url.pathname === "/callback") return response.end(await finish(url.searchParams));
    const state = randomBytes(16).toString("hex");
    states.add(state);
    const query = new URLSearchParams({ client_id: CLIENT.client_id, response_type: "code", redirect_uri: redirectUri, state });
    response.setHeader("content-type", "text/html");
    response.end(`<!doctype html><a href="${smartcar}/oauth/authorize?${query.toString().replaceAll("&", "&amp;")}">Connect your car</a>`);
  });
  await new Promise((resolve) => server.listen(port, "localhost", resolve));
  return { close: () => new Promise((resolve) => server.close(resolve).closeAllConnections()) };
}
