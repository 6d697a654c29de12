// What the demo's cards say of a car, read and commanded by the page itself through the Worker.
import assert from "node:assert/strict";
import { after, afterEach, beforeEach, test } from "node:test";

import { storageOf } from "../harness/browser.mjs";
import { openDemo } from "../harness/demo.mjs";
import { settled } from "../harness/owner.mjs";
import { scannerFor } from "../harness/secrets.mjs";
import { until } from "../harness/until.mjs";

const demo = await openDemo();
const { env, simulator, home } = demo;
after(() => demo.close());
beforeEach(() => demo.reset());
afterEach(() => demo.closeProfiles());

async function opened() {
  const context = await demo.newContext();
  const page = await context.newPage();
  await page.goto(home);
  await settled(page, home);
  return { context, page };
}

async function connected() {
  const { context, page } = await opened();
  await demo.connectCars(page);
  return { context, page };
}

async function shows(page, expected) {
  const figures = page.locator(".figures:not([aria-busy])");
  await until("the figures are there", async () => (await figures.allInnerTexts()).join("\n\n") === expected.join("\n\n"));
}

const commands = async () => (await simulator.requests()).filter(({ method, path }) => method === "POST" && path.endsWith("/security"));

test("a card shows battery, odometer and location of each car, and no token comes to the page", async () => {
  const { page } = await connected();
  const expected = ["61,205", "18,350"].map(
    (km) => `Battery\n64% · 272 km to go\nOdometer\n${km} km\nLocation\n52.516° N, 13.378° E`,
  );
  await shows(page, expected);
  assert.equal(await page.getByRole("heading", { level: 1 }).textContent(), "Your cars");
  const charge = await page.locator(".meter").first().evaluate((meter) => meter.firstElementChild.offsetWidth / meter.clientWidth);
  assert.ok(Math.abs(charge - 0.64) < 0.02, `the bar says ${charge}`);
  assert.match(await page.locator(".vehicle .name p").first().textContent(), /^2019as of just now$/);

  const scan = scannerFor(await simulator.secrets());
  assert.deepEqual(scan("storage", JSON.stringify(await storageOf(page))), []);
  assert.deepEqual(scan("page", await page.content()), []);
});

test("a figure that its owner has not allowed is left out, and a lock that can't be read has no button", async () => {
  const { page } = await opened();
  const authorize = await page.evaluate(async () => {
    const { start } = await import("/pkg/index.js");
    return (await start({ navigate: false })).url;
  });
  const state = new URL(authorize).searchParams.get("state");
  const code = await env.consent({ scopes: ["read_vehicle_info", "read_location"] });
  await page.goto(`${home}?${new URLSearchParams({ code, state })}`);
  await settled(page, home);
  const cars = await page.locator(".vehicle").count();
  assert.ok(cars > 0);
  await shows(page, Array(cars).fill("Location\n52.516° N, 13.378° E"));
  assert.equal(await page.locator(".lock:visible").count(), 0);
});

test("an owner locks and unlocks a car with the keyboard alone, and each is asked about first", async () => {
  const { page } = await connected();
  const says = (name) => page.getByRole("button", { name, exact: true });
  const focused = (locator) => until("the focus is there", () => locator.evaluate((element) => element === document.activeElement));
  const dialog = page.getByRole("dialog");
  await says("Unlock Tesla Model 3").waitFor();

  await says("Unlock Tesla Model 3").focus();
  for (const leave of ["Escape", "Enter"]) {
    await page.keyboard.press("Enter");
    await dialog.getByRole("heading", { name: "Unlock Tesla Model 3?" }).waitFor();
    await focused(page.locator("#confirm-no"));
    await page.keyboard.press(leave);
    await dialog.waitFor({ state: "hidden" });
    await focused(says("Unlock Tesla Model 3"));
  }
  assert.deepEqual(await commands(), []);

  for (const [now, next] of [
    ["Unlock", "Lock"],
    ["Lock", "Unlock"],
  ]) {
    await page.keyboard.press("Enter");
    await dialog.getByRole("heading", { name: `${now} Tesla Model 3?` }).waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await dialog.waitFor({ state: "hidden" });
    await focused(says(`${next} Tesla Model 3`));
    assert.match(await page.locator("#said").textContent(), new RegExp(`^Tesla Model 3 is ${now.toLowerCase()}ed\\.$`));
  }
  assert.deepEqual((await commands()).map(({ status }) => status), [200, 200]);
  await says("Unlock Tesla Model Y").waitFor();
});

test("a car that does not obey is said in words, and what it is in stays shown", async () => {
  const { page } = await connected();
  const button = page.getByRole("button", { name: "Unlock Tesla Model 3", exact: true });
  await button.waitFor();
  await simulator.fault({ endpoint: "command", kind: "api_error", error: "VEHICLE_STATE", times: 1 });
  await button.click();
  await page.locator("#confirm-yes").click();
  await page.locator('#notice[data-code="smartcar_error"]').waitFor();
  assert.equal(await page.locator("#notice-title").textContent(), "The car can't do that just now");
  await button.waitFor();
  assert.equal((await commands()).length, 1);
});

test("an owner deletes everything", async () => {
  const { page } = await connected();
  await page.getByRole("button", { name: "Delete everything" }).click();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await page.locator('#notice[data-code="deleted"]').waitFor();
  assert.equal(await page.locator("#connections > li").count(), 0);
  assert.equal(await page.getByRole("heading", { level: 1 }).textContent(), "Connect your car");
  assert.equal((await simulator.disconnects()).length, 2);
});
