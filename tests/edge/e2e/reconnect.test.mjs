// An owner whom Smartcar wants back, in real Chromium: the banner, Connect's page, and the way back.
import assert from "node:assert/strict";
import { after, afterEach, beforeEach, test } from "node:test";

import { violations } from "../harness/axe.mjs";
import { openDemo } from "../harness/demo.mjs";
import { decide, noticeOf, settled } from "../harness/owner.mjs";
import { until } from "../harness/until.mjs";

const demo = await openDemo();
const { simulator, home } = demo;
after(() => demo.close());
beforeEach(() => demo.reset());
afterEach(() => demo.closeProfiles());

/** Logs in at the maker, which is known by the car. */
async function logInAgain(page) {
  await page.getByLabel("E-mail").fill("owner@example.com");
  await page.getByLabel("Password").fill("any password");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("button", { name: "Allow", exact: true }).waitFor();
}

/** A page that shows cars, for one of which the maker wants the owner to log in again. */
async function wanted() {
  const context = await demo.newContext();
  const page = await context.newPage();
  const { vehicles } = await simulator.configure({});
  const { id } = vehicles.find(({ make }) => make === "TESLA");
  await page.goto(home);
  await settled(page, home);
  await demo.connectCars(page);
  await simulator.setVehicle(id, { needsReauthentication: true });
  const card = page.locator("#connections > li");
  // The Worker learns of it by what a page reads of the car.
  const read = (path) => fetch(path, { headers: { "x-requested-with": "smartcar-connect" } }).then(({ status }) => status);
  assert.equal(await page.evaluate(read, `/smartcar/api/v2.0/vehicles/${id}/battery`), 400);
  await until("the page shows that the owner is wanted", async () => {
    await page.reload();
    await settled(page, home);
    return (await card.getAttribute("data-status")) === "reauthentication_required";
  });
  return { page, card };
}

const reconnectButton = (page) => page.getByRole("button", { name: /^Reconnect/ });

test("the owner is told, logs in again, and everything is well; the tokens are the same", async () => {
  const { page, card } = await wanted();
  assert.match(await card.textContent(), /The car maker wants you to log in again/);
  assert.deepEqual(await violations(page), []);
  const id = await card.getAttribute("data-connection");
  const arrived = page.waitForRequest((request) => request.url().startsWith(`${simulator.origin}/oauth/reauthenticate?`));
  await reconnectButton(page).click();
  const { searchParams } = new URL((await arrived).url());
  assert.equal(searchParams.get("redirect_uri"), home);
  assert.match(searchParams.get("state"), /^smartcar-connect\./);
  await logInAgain(page);
  await decide(page, "Allow");
  assert.equal(await noticeOf(page), "reauthenticated");
  await settled(page, home);
  await page.locator('#connections > li[data-status="active"]').waitFor();
  assert.equal(await card.getAttribute("data-connection"), id);
  assert.equal((await simulator.tokenRequests()).length, 1, "no code was exchanged again");
  assert.deepEqual(await violations(page), []);
});

test("an owner who turns back, or never comes back, is where they were", async () => {
  const { page, card } = await wanted();
  await reconnectButton(page).click();
  await logInAgain(page);
  await decide(page, "Deny");
  assert.equal(await noticeOf(page), "access_denied");
  await settled(page, home);
  assert.equal(await card.getAttribute("data-status"), "reauthentication_required");
  // A page at Smartcar that leads nowhere: the owner goes back by hand.
  await reconnectButton(page).click();
  await page.waitForURL(`${simulator.origin}/connect/**`);
  await page.goto(home);
  await settled(page, home);
  await reconnectButton(page).waitFor();
  assert.equal(await card.getAttribute("data-status"), "reauthentication_required");
});
