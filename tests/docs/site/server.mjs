// The built site on a server like any other, under a policy that allows nothing from elsewhere, and no code that is made while it runs.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";

export const SITE = new URL("../../../dist/docs/", import.meta.url).pathname;
if (!existsSync(join(SITE, "index.html"))) throw new Error("there is no dist/docs/: run `make docs`");

const TYPES = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".json": "application/json",
};

/** The scripts in a page, which decide whether it is dark before it is shown. */
function policyFor(html) {
  const inline = [...html.matchAll(/<script(?: id="[^"]*")?>([\s\S]*?)<\/script>/g)].map(([, text]) => text);
  const hashes = inline.map((text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`);
  return `default-src 'self'; script-src 'self' ${hashes.join(" ")}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'`;
}

/** Serves it until the test file ends; resolves to its origin. */
export async function serveSite(after) {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const file = join(SITE, pathname.endsWith("/") ? `${pathname}index.html` : pathname);
    const body = await readFile(file).catch(() => null);
    if (body === null) return response.writeHead(404).end();
    const headers = { "content-type": TYPES[extname(file)] ?? "application/octet-stream" };
    if (extname(file) === ".html") headers["content-security-policy"] = policyFor(body.toString());
    return response.writeHead(200, headers).end(body);
  });
  await new Promise((resolve) => server.listen(0, "localhost", resolve));
  after(() => new Promise((resolve) => server.close(resolve)));
  return `http://localhost:${server.address().port}`;
}
