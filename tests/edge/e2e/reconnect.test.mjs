// An owner whom Smartcar wants back, in real Chromium and by each of its versions: the banner, Connect's page, and the way back.
import assert from "node:assert/strict";
import { test } from "node:test";

import { violations } from "../harness/axe.mjs";
import { decide, goToConnect, logIn, noticeOf, settled } from "../harness/owner.mjs";
import { HOUR, MINUTE } from "../harness/spans.mjs";
import { until } from "../harness/until.mjs";
import { byEachVersion } from "../harness/versions.mjs";

/** Logs in at the maker, which is known by the car. */
async function logInAgain(page) {
  await page.getByLabel("E-mail").fill("owner@example.com");
  await page.getByLabel("Password").fill("any password");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("button", { name: "Allow", exact: true }).waitFor();
}

const cardOn = (page) => page.locator("#connections > li");
const reconnectButton = (page) => page.getByRole("button", { name: /^Reconnect/ });

/** What ends the grant, as Smartcar does by each version. */
const END = {
  async v2({ env, simulator }) {
    await env.travel(3 * HOUR);
    await simulator.fault({ endpoint: "refresh", kind: "status", status: 400, body: { error: "invalid_grant" } });
  },
  async v3({ env, simulator }) {
    const body = { data: [], meta: { totalCount: 0 } };
    await simulator.fault({ endpoint: "v3_connections", kind: "status", status: 200, body, times: null });
    await env.travel(6 * MINUTE);
  },
};

/** Reads something of a car as a page does. Returns the status. */
const read = (page, path) =>
  page.evaluate((path) => fetch(path, { headers: { "x-requested-with": "smartcar-connect" } }).then(({ status }) => status), path);

byEachVersion(({ name, finishesOf, battery, location }, opened) => {
  /** Loads the page until its only connection has this status. */
  async function untilStatus(page, status) {
    await until(`the page shows that it is ${status}`, async () => {
      await page.reload();
      await settled(page, opened().home);
      return (await cardOn(page).getAttribute("data-status")) === status;
    });
  }

  async function openPage() {
    const page = await (await opened().newContext()).newPage();
    await page.goto(opened().home);
    await settled(page, opened().home);
    return page;
  }

  /** How often a callback has been finished at Smartcar. */
  const finishes = async () => (await finishesOf(opened().simulator)).length;

  async function tesla() {
    const { vehicles } = await opened().simulator.configure({});
    return vehicles.find(({ make }) => make === "TESLA").id;
  }

  /** A page that shows cars, for one of which the maker wants the owner to log in again. */
  async function wanted() {
    const page = await openPage();
    const id = await tesla();
    await opened().connectCars(page);
    await opened().simulator.setVehicle(id, { needsReauthentication: true });
    // The Worker learns of it by what a page reads of the car. In v3 the failure is inside of an answer that succeeds.
    assert.equal(await read(page, battery(id)), name === "v2" ? 400 : 200);
    await untilStatus(page, "reauthentication_required");
    return { page, card: cardOn(page) };
  }

  test("the owner is told, logs in again, and everything is well; the connection is the same", async () => {
    const { page, card } = await wanted();
    assert.match(await card.textContent(), /The car maker wants you to log in again/);
    assert.deepEqual(await violations(page), []);
    const id = await card.getAttribute("data-connection");
    const before = await finishes();
    const arrived = page.waitForRequest((request) => request.url().startsWith(`${opened().simulator.origin}/oauth/reauthenticate?`));
    await reconnectButton(page).click();
    const { searchParams } = new URL((await arrived).url());
    assert.equal(searchParams.get("redirect_uri"), opened().home);
    assert.match(searchParams.get("state"), /^smartcar-connect\./);
    await logInAgain(page);
    await decide(page, "Allow");
    assert.equal(await noticeOf(page), "reauthenticated");
    await settled(page, opened().home);
    await page.locator('#connections > li[data-status="active"]').waitFor();
    assert.equal(await card.getAttribute("data-connection"), id);
    assert.equal(await finishes(), before, "nothing is finished as a new connection is");
    assert.deepEqual(await violations(page), []);
  });

  test("an owner who turns back, or never comes back, is where they were", async () => {
    const { page, card } = await wanted();
    await reconnectButton(page).click();
    await logInAgain(page);
    await decide(page, "Deny");
    assert.equal(await noticeOf(page), "access_denied");
    await settled(page, opened().home);
    assert.equal(await card.getAttribute("data-status"), "reauthentication_required");
    // A page at Smartcar that leads nowhere: the owner goes back by hand.
    await reconnectButton(page).click();
    await page.waitForURL(`${opened().simulator.origin}/connect/**`);
    await page.goto(opened().home);
    await settled(page, opened().home);
    await reconnectButton(page).waitFor();
    assert.equal(await card.getAttribute("data-status"), "reauthentication_required");
  });

  test("an owner who has granted too little is asked for more, and everything is well", async () => {
    const page = await openPage();
    await goToConnect(page, opened().simulator);
    await logIn(page);
    await page.locator('input[value="read_location"]').uncheck();
    await decide(page, "Allow");
    assert.equal(await noticeOf(page), "connected");
    await settled(page, opened().home);
    assert.equal(await read(page, location(await tesla())), name === "v2" ? 403 : 200);
    await untilStatus(page, "reauthentication_required");
    assert.deepEqual(await violations(page), []);
    const arrived = page.waitForRequest((request) => request.url().startsWith(`${opened().simulator.origin}/oauth/authorize?`));
    await reconnectButton(page).click();
    assert.equal(new URL((await arrived).url()).searchParams.get("approval_prompt"), "force");
    await logIn(page);
    await decide(page, "Allow");
    assert.equal(await noticeOf(page), "connected");
    await untilStatus(page, "active");
    await page.getByText("52.516° N, 13.378° E").first().waitFor();
    await untilStatus(page, "active");
    assert.equal(await cardOn(page).count(), 1);
  });

  test("an owner whose grant is over connects again, and the new connection takes the place of the former", async () => {
    const page = await openPage();
    await opened().connectCars(page);
    await END[name](opened());
    await untilStatus(page, "reconnection_required");
    assert.deepEqual(await violations(page), []);
    await opened().simulator.clearFaults();
    const before = await finishes();
    await reconnectButton(page).click();
    await page.waitForURL(`${opened().simulator.origin}/connect/**`);
    await logIn(page);
    await decide(page, "Allow");
    assert.equal(await noticeOf(page), "connected");
    await untilStatus(page, "active");
    assert.equal(await cardOn(page).count(), 1);
    assert.ok((await finishes()) > before);
  });
});
