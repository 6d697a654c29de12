// The documentation's site in Chromium.
import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { after, test } from "node:test";

import { violations } from "../../edge/harness/axe.mjs";
import { openBrowser } from "../../edge/harness/browser.mjs";
import { SITE, serveSite } from "./server.mjs";

const WIDE = { width: 1280, height: 900 };
const NARROW = { width: 360, height: 740 };
const PATIENCE_MS = 30_000;
/** One page of each kind. */
const KINDS = {
  "the first page": "index.html",
  "a guide": "users.html",
  "a start with code": "start.html",
  "a page of tables": "errors.html",
  "a long reference": "http-api.html",
  "a page of OpenAPI": "openapi/connect.html",
  "a function": "api/functions/start.html",
  "a type": "api/interfaces/Connection.html",
};

const origin = await serveSite(after);
const browser = await openBrowser();
after(() => browser.close());
const pages = globSync("**/*.html", { cwd: SITE }).filter((name) => name !== "404.html");

/** A page in a profile of its own, and what it complains of. */
async function opened(t, options) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(PATIENCE_MS);
  t.after(() => context.close());
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => {
    const { protocol, origin: asked } = new URL(request.url());
    if (asked !== origin && protocol !== "data:") complaints.push(`asks ${request.url()}`);
  });
  return { page, complaints };
}

/** Opens a page of the site, and waits until its scripts have taken it over. */
async function go(page, name) {
  await page.goto(`${origin}/${name}`);
  await page.waitForFunction(() => "__vue_app__" in document.querySelector("#app"));
}

test("no page complains, asks anybody else, or is wider than a phone", async (t) => {
  assert.ok(pages.length > 80, `${pages.length} pages`);
  const { page, complaints } = await opened(t, { viewport: NARROW });
  const wrong = [];
  for (const name of pages) {
    await go(page, name);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    if (width > NARROW.width) wrong.push(`${name} is ${width} px wide`);
    if ((await page.locator("h1").count()) !== 1) wrong.push(`${name} has not one heading`);
    wrong.push(...complaints.splice(0).map((complaint) => `${name}: ${complaint}`));
  }
  assert.deepEqual(wrong, []);
});

for (const [colorScheme, viewport] of [["light", WIDE], ["dark", WIDE], ["dark", NARROW]]) {
  test(`pages of each kind are accessible, ${colorScheme}, at ${viewport.width} px`, async (t) => {
    const { page } = await opened(t, { colorScheme, viewport, reducedMotion: "reduce", bypassCSP: true });
    const found = [];
    for (const [kind, name] of Object.entries(KINDS)) {
      await go(page, name);
      assert.equal(await page.evaluate(() => document.documentElement.classList.contains("dark")), colorScheme === "dark");
      found.push(...(await violations(page)).map((violation) => `${kind}: ${violation}`));
    }
    assert.deepEqual(found, []);
  });
}

test("the search finds what is written, and leads there", async (t) => {
  const { page, complaints } = await opened(t, {});
  await go(page, "");
  await page.getByRole("button", { name: "Search" }).first().click();
  await page.getByRole("searchbox").fill("refresh token");
  await page.locator(".results a").first().waitFor();
  // A section of a guide, and not only what is generated.
  await page.locator('.results a[href$="/coming-from-elsewhere.html#your-stored-refresh-tokens"]').click();
  await page.getByRole("heading", { name: "Your stored refresh tokens" }).waitFor();
  assert.deepEqual(complaints, []);
});

test("a phone has the side bar behind its menu", async (t) => {
  const { page } = await opened(t, { viewport: NARROW });
  await go(page, "start.html");
  await page.getByRole("button", { name: "Menu" }).click();
  await page.getByRole("link", { name: "Errors, and what to do" }).first().click();
  await page.getByRole("heading", { level: 1, name: "Errors, and what to do" }).waitFor();
});
