// The whole flow in real Chromium that runs no script, by each of Smartcar's versions: the app's page, Connect, the callback, the app's
// page.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, afterEach, test } from "node:test";

import { openBrowser } from "../harness/browser.mjs";
import { decide, logIn, simulateOutcome } from "../harness/owner.mjs";
import { PREFIX } from "../harness/settings.mjs";
import { byEachVersion } from "../harness/versions.mjs";

const browser = await openBrowser();
after(() => browser.close());
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));

const LOGIN = `${PREFIX}/connect/login`;
const corpus = JSON.parse(readFileSync(new URL("../../conformance/open_redirects.json", import.meta.url), "utf8"));

/** The app's page, which has no script. */
const pageWith = (action) => `<!doctype html><title>My cars</title>
  <form method="post" action="${action}"><button>Connect by a form</button></form><a href="${action}">Connect by a link</a>`;

const outcomeOf = (page) => page.locator("main").getAttribute("data-outcome");

byEachVersion(({ finishesOf }, opened) => {
  /** A new profile on the app's page. */
  async function newProfile({ query = "?return_to=/cars", options = {} } = {}) {
    const context = await browser.newContext({ javaScriptEnabled: false, ...options });
    const action = `${LOGIN}${query}`.replaceAll("&", "&amp;");
    await context.route(
      (url) => url.origin === new URL(opened().home).origin && url.pathname === "/cars",
      (route) => route.fulfill({ contentType: "text/html", body: pageWith(action) }),
    );
    const page = await context.newPage();
    await page.goto(`${opened().home}cars`);
    return { context, page };
  }

  async function goToConnect(page, role, name) {
    await page.getByRole(role, { name }).click();
    await page.waitForURL((url) => url.origin === opened().simulator.origin);
  }

  /** How often a callback has been finished at Smartcar. */
  const finishes = async () => (await finishesOf(opened().simulator)).length;

  for (const [role, name] of [["button", "Connect by a form"], ["link", "Connect by a link"]]) {
    test(`${name}: an owner connects a car and is back on the app's page`, async () => {
      const { context, page } = await newProfile();
      await goToConnect(page, role, name);
      await logIn(page);
      await decide(page, "Allow");
      await page.waitForURL(`${opened().home}cars?smartcar=connected`);
      const list = await context.newPage();
      await list.goto(`${opened().home.slice(0, -1)}${PREFIX}/connections`);
      const { connections } = JSON.parse(await list.locator("body").innerText());
      assert.deepEqual(connections.map(({ status }) => status), ["active"]);
      assert.equal(await finishes(), 1);
    });
  }

  test("without return_to a page says what happened, and its link begins anew", async () => {
    const { page } = await newProfile({ query: "" });
    await goToConnect(page, "link", "Connect by a link");
    await logIn(page);
    await decide(page, "Deny");
    await page.getByRole("heading", { name: "You didn't give access" }).waitFor();
    assert.equal(await outcomeOf(page), "access_denied");
    await page.getByRole("link", { name: "Connect again" }).click();
    await page.waitForURL((url) => url.origin === opened().simulator.origin);
    await logIn(page);
    await decide(page, "Allow");
    await page.getByRole("heading", { name: "You're connected" }).waitFor();
    // Loaded again, it says the same.
    await page.reload();
    assert.equal(await outcomeOf(page), "connected");
    assert.equal(await finishes(), 1);
  });

  test("an owner who goes back from Smartcar finds the app's page, whose link begins anew", async () => {
    const { page } = await newProfile();
    await goToConnect(page, "link", "Connect by a link");
    await logIn(page);
    await page.goto(`${opened().home}cars`);
    await goToConnect(page, "link", "Connect by a link");
    await logIn(page);
    await decide(page, "Allow");
    await page.waitForURL(`${opened().home}cars?smartcar=connected`);
    assert.equal(await finishes(), 1);
  });

  test("what Connect reports is told on the app's page", async () => {
    const { page } = await newProfile();
    await goToConnect(page, "link", "Connect by a link");
    await logIn(page);
    await simulateOutcome(page, "No vehicles in the account");
    await page.waitForURL(`${opened().home}cars?smartcar=no_vehicles`);
  });

  test("the callback in another browser connects nothing there", async () => {
    const owner = await newProfile();
    await goToConnect(owner.page, "link", "Connect by a link");
    await logIn(owner.page);
    let callback;
    await owner.page.route(`${opened().simulator.origin}/connect/*/consent`, async (route) => {
      const answer = await route.fetch({ maxRedirects: 0 });
      callback = answer.headers().location;
      await route.fulfill({ status: 200, body: "the owner has consented" });
    });
    await decide(owner.page, "Allow");
    await owner.page.getByText("the owner has consented").waitFor();
    const thief = await newProfile();
    await thief.page.goto(callback);
    await thief.page.locator('main[data-outcome="session_missing"]').waitFor();
    assert.equal(await finishes(), 0);
    await owner.page.goto(callback);
    await owner.page.waitForURL(`${opened().home}cars?smartcar=connected`);
  });

  test("a page elsewhere begins nothing", async () => {
    const { context } = await newProfile();
    const elsewhere = await context.newPage();
    await context.route("http://evil.test/", (route) =>
      route.fulfill({ contentType: "text/html", body: pageWith(`${opened().home.slice(0, -1)}${LOGIN}`) }),
    );
    for (const [role, name] of [["button", "Connect by a form"], ["link", "Connect by a link"]]) {
      await elsewhere.goto("http://evil.test/");
      await elsewhere.getByRole(role, { name }).click();
      await elsewhere.locator('main[data-outcome="origin_not_allowed"]').waitFor();
    }
    assert.deepEqual(await context.cookies(), []);
  });

  test("Chromium ends up on the app's origin wherever a taken return_to leads, and on a page of ours for the others", async () => {
    const allPlaces = corpus.taken.filter((value) => value.startsWith("/") && !value.startsWith("/smartcar")).filter((_, at) => at % 5 === 3);
    const origin = new URL(opened().home).origin;
    for (const value of allPlaces) {
      const { context, page } = await newProfile({ query: `?return_to=${encodeURIComponent(value)}` });
      await goToConnect(page, "link", "Connect by a link");
      await logIn(page);
      await decide(page, "Deny");
      await page.waitForURL((url) => url.searchParams.get("smartcar") === "access_denied");
      assert.equal(new URL(page.url()).origin, origin, value);
      await context.close();
    }
    for (const value of corpus.refused.filter((_, at) => at % 16 === 9)) {
      const { context, page } = await newProfile({ query: `?return_to=${encodeURIComponent(value)}` });
      await page.getByRole("link", { name: "Connect by a link" }).click();
      await page.locator('main[data-outcome="invalid_parameter"]').waitFor();
      assert.equal(new URL(page.url()).origin, origin, value);
      await context.close();
    }
  });
});
