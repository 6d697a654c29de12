// The whole flow by Smartcar's v3, in real Chromium: an owner connects, sees and commands the cars, is wanted back, and disconnects.
import assert from "node:assert/strict";
import { after, afterEach, beforeEach, test } from "node:test";

import { openDemo } from "../harness/demo.mjs";
import { decide, noticeOf, settled } from "../harness/owner.mjs";
import { storageOf } from "../harness/browser.mjs";
import { scannerFor } from "../harness/secrets.mjs";
import { until } from "../harness/until.mjs";
import { V3 } from "../harness/v3.mjs";

const demo = await openDemo({ adjust: ({ SMARTCAR_CLIENT_SECRET: _, ...values }) => ({ ...values, ...V3 }) });
const { edge, simulator, home } = demo;
after(() => demo.close());
beforeEach(async () => {
  await demo.reset();
  await simulator.configure({ v3: { bucketSize: 100_000, staleS: 0 } });
});
afterEach(() => demo.closeProfiles());

const NIGHT = new Date("2026-03-01T03:00:00Z");

async function opened() {
  const context = await demo.newContext();
  const page = await context.newPage();
  await page.goto(home);
  await settled(page, home);
  return page;
}

/** What Smartcar was asked of cars, and by which version. */
const ofCars = async (endpoint) => (await simulator.requests()).filter((request) => request.endpoint === endpoint);

test("an owner connects, reads, commands, comes back when wanted, and disconnects", async () => {
  const page = await opened();
  await demo.connectCars(page);
  const figures = page.locator(".figures:not([aria-busy])");
  const expected = ["61,205", "18,350"].map((km) => `Battery\n64% · 272 km to go\nOdometer\n${km} km\nLocation\n52.516° N, 13.378° E`);
  // Smartcar lists the cars in an order of its own.
  await until("the figures are there", async () => (await figures.allInnerTexts()).sort().join("\n\n") === expected.sort().join("\n\n"));
  assert.match(await page.locator(".vehicle .name p").first().textContent(), /as of just now$/);

  for (const [now, next] of [["Unlock", "Lock"], ["Lock", "Unlock"]]) {
    await page.getByRole("button", { name: `${now} Tesla Model 3`, exact: true }).click();
    await page.locator("#confirm-yes").click();
    await page.getByRole("button", { name: `${next} Tesla Model 3`, exact: true }).waitFor();
  }
  assert.deepEqual((await ofCars("v3_command")).map(({ path, status }) => [path.split("/").at(-1), status]), [["unlock", 200], ["lock", 200]]);

  // A command that is answered with success and was not carried out is said in words, and the car stays as it is.
  await simulator.fault({ endpoint: "v3_command", kind: "command_failed", inside: "status", error: "VEHICLE_STATE/ASLEEP" });
  await page.getByRole("button", { name: "Unlock Tesla Model 3", exact: true }).click();
  await page.locator("#confirm-yes").click();
  await page.locator('#notice[data-code="smartcar_error"]').waitFor();
  await page.getByRole("button", { name: "Unlock Tesla Model 3", exact: true }).waitFor();

  const { vehicles } = await simulator.configure({});
  const { id } = vehicles.find(({ make }) => make === "TESLA");
  await simulator.setVehicle(id, { needsReauthentication: true });
  const card = page.locator("#connections > li");
  await until("the page shows that the owner is wanted", async () => {
    await page.reload();
    await settled(page, home);
    return (await card.getAttribute("data-status")) === "reauthentication_required";
  });
  const connectionId = await card.getAttribute("data-connection");
  await page.getByRole("button", { name: /^Reconnect/ }).click();
  await page.waitForURL(`${simulator.origin}/connect/**`);
  await page.getByLabel("E-mail").fill("owner@example.com");
  await page.getByLabel("Password").fill("any password");
  await page.getByRole("button", { name: "Log in" }).click();
  await decide(page, "Allow");
  assert.equal(await noticeOf(page), "reauthenticated");
  await settled(page, home);
  await page.locator('#connections > li[data-status="active"]').waitFor();
  assert.equal(await card.getAttribute("data-connection"), connectionId);

  const scan = scannerFor((await simulator.secrets()).filter((secret) => secret.length > 30));
  assert.deepEqual(scan("storage", JSON.stringify(await storageOf(page))), []);
  assert.deepEqual(scan("page", await page.content()), []);
  assert.deepEqual(await ofCars("exchange"), []);

  await page.getByRole("button", { name: /^Disconnect Tesla/ }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Disconnect", exact: true }).click();
  await page.locator('#notice[data-code="disconnected"]').waitFor();
  assert.equal(await page.locator("#connections > li").count(), 0);
  assert.deepEqual(await simulator.connections(), []);
});

test("the back end reads the cars by night, for a user who has no page open", async () => {
  const page = await opened();
  await page.getByRole("button", { name: "Sign in as Ada" }).click();
  await page.locator('#notice[data-code="signed_in"]').waitFor();
  await demo.connectCars(page);
  await page.goto("about:blank");
  const before = (await ofCars("v3_signal")).length;
  assert.equal((await edge.scheduled({ scheduledTime: NIGHT })).outcome, "ok");
  const asked = (await ofCars("v3_signal")).slice(before);
  assert.deepEqual(asked.map(({ path, status }) => [path.split("/").at(-1), status]), Array(2).fill(["odometer-traveleddistance", 200]));
  await page.goto(home);
  await settled(page, home);
  const entries = page.locator("#logbook-entries li");
  await until("the logbook is there", async () => (await entries.count()) === 2);
  assert.match((await entries.allTextContents()).join(), /61,205 km|18,350 km/);
});
