// What the demo's cards say of a car, by the back end that an app would have.
import assert from "node:assert/strict";
import { after, afterEach, beforeEach, test } from "node:test";

import { openDemo } from "../harness/demo.mjs";
import { decide, goToConnect, logIn, noticeOf, settled } from "../harness/owner.mjs";
import { until } from "../harness/until.mjs";

const demo = await openDemo();
const { simulator, home } = demo;
after(() => demo.close());
beforeEach(() => demo.reset());
afterEach(() => demo.closeProfiles());

async function connected() {
  const context = await demo.newContext();
  const page = await context.newPage();
  await page.goto(home);
  await goToConnect(page, simulator);
  await logIn(page);
  await decide(page, "Allow");
  assert.equal(await noticeOf(page), "connected");
  await settled(page, home);
  return { context, page };
}

const figures = (page) => page.locator(".figures").allInnerTexts();

test("a card shows the odometer and the location of each car", async () => {
  const { page } = await connected();
  const expected = ["61,205", "18,350"].map((km) => `Odometer\n${km} km\nLocation\n52.516° N, 13.378° E`);
  await until("the figures are there", async () => (await figures(page)).join() === expected.join());
  assert.equal(await page.getByRole("heading", { level: 1 }).textContent(), "Your cars");
});

test("a figure that is not to be had is left out", async () => {
  await simulator.fault({ endpoint: "odometer", kind: "api_error", error: "PERMISSION", times: null });
  const { page } = await connected();
  const expected = Array(2).fill("Location\n52.516° N, 13.378° E");
  await until("the figures are there", async () => (await figures(page)).join() === expected.join());
});

test("no page of another origin has a car read", async () => {
  const { context, page } = await connected();
  const id = await page.locator("[data-vehicle]").first().getAttribute("data-vehicle");
  const read = async (from) => from.evaluate(async (url) => (await fetch(url)).status, `${home}demo/vehicles/${id}`);
  assert.equal(await read(page), 200);
  const asked = await context.request.get(`${home}demo/vehicles/${id}`, { headers: { "sec-fetch-site": "same-site" } });
  assert.equal(asked.status(), 403);
});

test("an owner deletes everything", async () => {
  const { context, page } = await connected();
  await page.getByRole("button", { name: "Delete everything" }).click();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await page.locator('#notice[data-code="deleted"]').waitFor();
  assert.equal(await page.locator("#connections > li").count(), 0);
  assert.equal(await page.getByRole("heading", { level: 1 }).textContent(), "Connect your car");
  const told = await simulator.disconnects();
  assert.equal(told.length, 2);
  await context.close();
});
