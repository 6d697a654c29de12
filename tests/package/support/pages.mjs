// Static files over http, and Chromium to open them.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { after } from "node:test";

import { chromium } from "playwright-core";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
// Much longer than anything takes, even on a machine that is busy with something else.
const PATIENCE_MS = 60_000;
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm", ".css": "text/css" };

/** Serves a folder. `headers` go with every answer; `served` lists the paths asked for, `missing` those that are 404. */
export async function serve(t, folder, headers = {}) {
  const state = { origin: "", served: [], missing: new Set(), onRequest: (_path) => {} };
  const server = createServer(async (request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, "http://x").pathname));
    state.served.push(path);
    state.onRequest(path);
    try {
      if (state.missing.has(path)) throw new Error("missing");
      const body = await readFile(join(folder, path === "/" ? "index.html" : path));
      response.writeHead(200, { "content-type": TYPES[extname(path) || ".html"] ?? "text/plain", ...headers });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "localhost", resolve));
  t.after(() => new Promise((resolve) => server.close(resolve).closeAllConnections()));
  state.origin = `http://localhost:${server.address().port}`;
  return state;
}

/** One Chromium for each test file. */
let browser;
after(async () => (await browser)?.close());

async function launch() {
  if (!existsSync(CHROMIUM)) throw new Error(`no browser at ${CHROMIUM}: apt-get install chromium, or set CHROMIUM`);
  return chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
}

/** Opens a page in a profile of its own. */
export async function openPage(t, url, said = []) {
  browser ??= launch();
  const context = await (await browser).newContext();
  context.setDefaultTimeout(PATIENCE_MS);
  t.after(() => context.close());
  const page = await context.newPage();
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(String(error)));
  await page.goto(url);
  return page;
}

/** Opens a page and waits for what it puts into `globalThis.result`. */
export async function resultOf(t, url) {
  const said = [];
  const page = await openPage(t, url, said);
  try {
    await page.waitForFunction(() => globalThis.result !== undefined, null, { timeout: PATIENCE_MS });
  } catch (error) {
    throw new Error(`the page gave no result; it said: ${said.join("\n")}`, { cause: error });
  }
  return page.evaluate(() => globalThis.result);
}
