// What does not end as planned, in real Chromium on the demo page, by each of Smartcar's versions: each is said in plain words, with the
// next step.
import assert from "node:assert/strict";
import { after, afterEach, test } from "node:test";

import { violations } from "../harness/axe.mjs";
import { openBrowser } from "../harness/browser.mjs";
import { decide, goToConnect, logIn, noticeOf, settled } from "../harness/owner.mjs";
import { MINUTE } from "../harness/spans.mjs";
import { snap } from "../harness/snap.mjs";
import { byEachVersion } from "../harness/versions.mjs";

// With the back/forward cache, which Playwright switches off.
const shipped = await openBrowser({ ignoreDefaultArgs: ["--disable-back-forward-cache"] });
after(() => shipped.close());
afterEach(() => Promise.all(shipped.contexts().map((context) => context.close())));

/** A list of Smartcar's that has no car. */
const NO_CARS = {
  v2: { endpoint: "vehicles", body: { vehicles: [], paging: { count: 0, offset: 0 } } },
  v3: { endpoint: "v3_connections", body: { data: [], meta: { totalCount: 0 } } },
};

byEachVersion(({ name, finishesOf }, opened) => {
  async function openPage(context) {
    const page = await (context ?? (await opened().newContext())).newPage();
    await page.goto(opened().home);
    await settled(page, opened().home);
    return page;
  }

  const unfinished = (page) => page.locator("#unfinished");
  const cards = (page) => page.locator("#connections > li");

  async function back(page) {
    await page.goBack();
    await settled(page, opened().home);
    await unfinished(page).waitFor();
  }

  /** Clicks what leads to Smartcar, and waits for its page. */
  async function leave(page, name) {
    await page.getByRole("button", { name, exact: true }).click();
    await page.waitForURL((url) => url.origin === opened().simulator.origin);
  }

  test("an owner who goes back from Smartcar is told that it isn't finished, and begins again", async () => {
    for (const context of [await opened().newContext(), await shipped.newContext()]) {
      const page = await openPage(context);
      await goToConnect(page, opened().simulator);
      await back(page);
      assert.match(await unfinished(page).textContent(), /You haven't finished connecting a car.*still open in another tab/s);
      assert.deepEqual(await violations(page), []);
      await snap(page, "unfinished");
      await leave(page, "Start again");
      await logIn(page);
      await decide(page, "Allow");
      assert.equal(await noticeOf(page), "connected");
      await settled(page, opened().home);
      assert.equal(await unfinished(page).isVisible(), false);
      assert.equal((await finishesOf(opened().simulator)).length, 1);
      // Not of the simulator alone: what this page still asks would be refused after it, and ask for a token again.
      await page.close();
      await opened().reset();
    }
  });

  test("another tab tells that the owner is still at Smartcar, and shows the car as soon as the owner is back", async () => {
    const context = await opened().newContext();
    const page = await openPage(context);
    const other = await openPage(context);
    assert.equal(await unfinished(other).isVisible(), false);
    await goToConnect(page, opened().simulator);
    await unfinished(other).waitFor();
    await logIn(page);
    await decide(page, "Allow");
    assert.equal(await noticeOf(page), "connected");
    await unfinished(other).waitFor({ state: "hidden" });
    await cards(other).first().waitFor();
  });

  test("ten minutes later it has run out, and the owner who wants to hear no more of it doesn't", async () => {
    const context = await opened().newContext();
    const page = await openPage(context);
    await goToConnect(page, opened().simulator);
    await context.clock.setSystemTime(Date.now() + 11 * MINUTE);
    await back(page);
    assert.match(await unfinished(page).textContent(), /didn't come back within ten minutes/);
    await snap(page, "run-out");
    await page.getByRole("button", { name: "Never mind" }).click();
    await page.reload();
    await settled(page, opened().home);
    assert.equal(await unfinished(page).isVisible(), false);
  });

  test("an error page at Smartcar sends nobody back: the owner who goes back is told, and at the second time whom to tell", async () => {
    const page = await openPage();
    await opened().simulator.configure({ clientId: "99999999-2222-4333-8444-555555555555" });
    await leave(page, "Connect your car");
    await page.getByText("Something is wrong").first().waitFor();
    await back(page);
    assert.equal(await page.locator("#unfinished-hint").textContent(), "");
    await leave(page, "Start again");
    await back(page);
    assert.match(await page.locator("#unfinished-hint").textContent(), /2nd time in a row.*tell the people who run this app/s);
    assert.deepEqual(await violations(page), []);
    await snap(page, "error-page");
    // As it is again, so is the page.
    await opened().simulator.reset();
    await leave(page, "Start again");
    await logIn(page);
    await decide(page, "Allow");
    assert.equal(await noticeOf(page), "connected");
    assert.equal(await unfinished(page).isVisible(), false);
  });

  test("an account without a car, by Connect's word or by the list, connects nothing and says what to do", async () => {
    const page = await openPage();
    await goToConnect(page, opened().simulator);
    await page.getByRole("button", { name: /^Bmw/i }).click();
    await page.getByLabel("E-mail").fill("owner@example.com");
    await page.getByLabel("Password").fill("any password");
    await page.getByRole("button", { name: "Log in" }).click();
    assert.equal(await noticeOf(page), "no_vehicles");
    await settled(page, opened().home);

    await opened().simulator.fault({ ...NO_CARS[name], kind: "status", status: 200, times: null });
    await goToConnect(page, opened().simulator);
    await logIn(page);
    await decide(page, "Allow");
    // In v3 an empty list says nothing of why: the consent may not be in it yet.
    assert.equal(await noticeOf(page), name === "v2" ? "no_vehicles" : "connection_not_confirmed");
    await settled(page, opened().home);
    if (name === "v2") {
      assert.match(await page.locator("#notice").textContent(), /Nothing was connected.*log in with the account that has it/s);
    }
    assert.equal(await cards(page).count(), 0);
    await page.getByRole("button", { name: "Connect your car" }).waitFor();
    await snap(page, "no-cars");
  });

  test("a second Connect that costs the owner the cars of before says so, and shows which", async () => {
    await opened().simulator.configure({ consentReplaces: true });
    const page = await openPage();
    await opened().connectCars(page);
    await leave(page, "Connect another car");
    await logIn(page, { brand: "Volkswagen" });
    await decide(page, "Allow");
    assert.equal(await noticeOf(page), "connected");
    await settled(page, opened().home);
    assert.match(await page.locator("#notice").textContent(), /but 2 others were lost.*tick every car/s);
    const statuses = await cards(page).evaluateAll((all) => all.map(({ dataset }) => dataset.status));
    // In v3 a consent that is given again goes on with the connection of before.
    assert.deepEqual(statuses, name === "v2" ? ["reconnection_required", "active"] : ["active"]);
    if (name === "v2") assert.match(await cards(page).first().textContent(), /Smartcar no longer has a car of yours for this app/);
    assert.deepEqual(await violations(page), []);
    await snap(page, "replaced");
  });

  test("the same car of two owners: each sees it, and one disconnects without the other noticing", async () => {
    const [one, other] = [await openPage(), await openPage()];
    for (const [page, email] of [
      [one, "one@example.com"],
      [other, "other@example.com"],
    ]) {
      await goToConnect(page, opened().simulator);
      await logIn(page, { email });
      await decide(page, "Allow");
      assert.equal(await noticeOf(page), "connected");
      await settled(page, opened().home);
    }
    await one.getByRole("button", { name: /^Disconnect/ }).click();
    await one.locator("#confirm-yes").click();
    await one.locator('#notice[data-code="disconnected"]').waitFor();
    await other.reload();
    await settled(other, opened().home);
    await other.locator('#connections > li[data-status="active"]').waitFor();
    await other.getByRole("heading", { name: "TESLA Model 3" }).waitFor();
    assert.equal(await cards(one).count(), 0);
  });
});
