// What does not end as planned, in real Chromium on the demo page: each is said in plain words, with the next step.
import assert from "node:assert/strict";
import { after, afterEach, beforeEach, test } from "node:test";

import { violations } from "../harness/axe.mjs";
import { openBrowser } from "../harness/browser.mjs";
import { openDemo } from "../harness/demo.mjs";
import { decide, goToConnect, logIn, noticeOf, settled } from "../harness/owner.mjs";
import { MINUTE } from "../harness/spans.mjs";
import { snap } from "../harness/snap.mjs";

const demo = await openDemo();
const { simulator, home } = demo;
// With the back/forward cache, which Playwright switches off.
const shipped = await openBrowser({ ignoreDefaultArgs: ["--disable-back-forward-cache"] });
after(async () => {
  await shipped.close();
  await demo.close();
});
beforeEach(() => demo.reset());
afterEach(() => Promise.all([demo.closeProfiles(), ...shipped.contexts().map((context) => context.close())]));

async function opened(context) {
  const page = await (context ?? (await demo.newContext())).newPage();
  await page.goto(home);
  await settled(page, home);
  return page;
}

const unfinished = (page) => page.locator("#unfinished");
const cards = (page) => page.locator("#connections > li");

async function back(page) {
  await page.goBack();
  await settled(page, home);
  await unfinished(page).waitFor();
}

/** Clicks what leads to Smartcar, and waits for its page. */
async function leave(page, name) {
  await page.getByRole("button", { name, exact: true }).click();
  await page.waitForURL((url) => url.origin === simulator.origin);
}

test("an owner who goes back from Smartcar is told that it isn't finished, and begins again", async () => {
  for (const context of [await demo.newContext(), await shipped.newContext()]) {
    const page = await opened(context);
    await goToConnect(page, simulator);
    await back(page);
    assert.match(await unfinished(page).textContent(), /You haven't finished connecting a car.*still open in another tab/s);
    assert.deepEqual(await violations(page), []);
    await snap(page, "unfinished");
    await leave(page, "Start again");
    await logIn(page);
    await decide(page, "Allow");
    assert.equal(await noticeOf(page), "connected");
    await settled(page, home);
    assert.equal(await unfinished(page).isVisible(), false);
    assert.equal((await simulator.tokenRequests()).length, 1);
    // Not of the simulator alone: what this page still asks would be refused after it, and ask for a token again.
    await page.close();
    await demo.reset();
  }
});

test("another tab tells that the owner is still at Smartcar, and shows the car as soon as the owner is back", async () => {
  const context = await demo.newContext();
  const page = await opened(context);
  const other = await opened(context);
  assert.equal(await unfinished(other).isVisible(), false);
  await goToConnect(page, simulator);
  await unfinished(other).waitFor();
  await logIn(page);
  await decide(page, "Allow");
  assert.equal(await noticeOf(page), "connected");
  await unfinished(other).waitFor({ state: "hidden" });
  await cards(other).first().waitFor();
});

test("ten minutes later it has run out, and the owner who wants to hear no more of it doesn't", async () => {
  const context = await demo.newContext();
  const page = await opened(context);
  await goToConnect(page, simulator);
  await context.clock.setSystemTime(Date.now() + 11 * MINUTE);
  await back(page);
  assert.match(await unfinished(page).textContent(), /didn't come back within ten minutes/);
  await snap(page, "run-out");
  await page.getByRole("button", { name: "Never mind" }).click();
  await page.reload();
  await settled(page, home);
  assert.equal(await unfinished(page).isVisible(), false);
});

test("an error page at Smartcar sends nobody back: the owner who goes back is told, and at the second time whom to tell", async () => {
  const page = await opened();
  await simulator.configure({ clientId: "99999999-2222-4333-8444-555555555555" });
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
  await simulator.reset();
  await leave(page, "Start again");
  await logIn(page);
  await decide(page, "Allow");
  assert.equal(await noticeOf(page), "connected");
  assert.equal(await unfinished(page).isVisible(), false);
});

test("an account without a car, by Connect's word or by the list, connects nothing and says what to do", async () => {
  const page = await opened();
  await goToConnect(page, simulator);
  await page.getByRole("button", { name: /^Bmw/i }).click();
  await page.getByLabel("E-mail").fill("owner@example.com");
  await page.getByLabel("Password").fill("any password");
  await page.getByRole("button", { name: "Log in" }).click();
  assert.equal(await noticeOf(page), "no_vehicles");
  await settled(page, home);

  const body = { vehicles: [], paging: { count: 0, offset: 0 } };
  await simulator.fault({ endpoint: "vehicles", kind: "status", status: 200, body, times: null });
  await goToConnect(page, simulator);
  await logIn(page);
  await decide(page, "Allow");
  assert.equal(await noticeOf(page), "no_vehicles");
  await settled(page, home);
  assert.match(await page.locator("#notice").textContent(), /Nothing was connected.*log in with the account that has it/s);
  assert.equal(await cards(page).count(), 0);
  await page.getByRole("button", { name: "Connect your car" }).waitFor();
  await snap(page, "no-cars");
});

test("a second Connect that costs the owner the cars of before says so, and shows which", async () => {
  await simulator.configure({ consentReplaces: true });
  const page = await opened();
  await demo.connectCars(page);
  await leave(page, "Connect another car");
  await logIn(page, { brand: "Volkswagen" });
  await decide(page, "Allow");
  assert.equal(await noticeOf(page), "connected");
  await settled(page, home);
  assert.match(await page.locator("#notice").textContent(), /but 2 others were lost.*tick every car/s);
  const statuses = await cards(page).evaluateAll((all) => all.map(({ dataset }) => dataset.status));
  assert.deepEqual(statuses, ["reconnection_required", "active"]);
  assert.match(await cards(page).first().textContent(), /Smartcar no longer has a car of yours for this app/);
  assert.deepEqual(await violations(page), []);
  await snap(page, "replaced");
});

test("the same car of two owners: each sees it, and one disconnects without the other noticing", async () => {
  const [one, other] = [await opened(), await opened()];
  for (const [page, email] of [
    [one, "one@example.com"],
    [other, "other@example.com"],
  ]) {
    await goToConnect(page, simulator);
    await logIn(page, { email });
    await decide(page, "Allow");
    assert.equal(await noticeOf(page), "connected");
    await settled(page, home);
  }
  await one.getByRole("button", { name: /^Disconnect/ }).click();
  await one.locator("#confirm-yes").click();
  await one.locator('#notice[data-code="disconnected"]').waitFor();
  await other.reload();
  await settled(other, home);
  await other.locator('#connections > li[data-status="active"]').waitFor();
  await other.getByRole("heading", { name: "TESLA Model 3" }).waitFor();
  assert.equal(await cards(one).count(), 0);
});
