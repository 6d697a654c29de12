// The demo page in each of its states: axe-core finds nothing, and nothing sticks out of a narrow screen.
import assert from "node:assert/strict";
import { after, afterEach, beforeEach, test } from "node:test";

import { violations } from "../harness/axe.mjs";
import { openDemo } from "../harness/demo.mjs";
import { noticeOf, settled } from "../harness/owner.mjs";

const demo = await openDemo();
const { simulator, home } = demo;
after(() => demo.close());
beforeEach(() => demo.reset());
afterEach(() => demo.closeProfiles());

const WIDE = { width: 1100, height: 800 };
const NARROW = { width: 360, height: 740 };

for (const [name, viewport, colorScheme] of [
  ["wide and light", WIDE, "light"],
  ["narrow and dark", NARROW, "dark"],
]) {
  test(`the page is accessible in each state, ${name}`, async () => {
    const context = await demo.newContext();
    const page = await context.newPage();
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const check = async (state) => {
      assert.deepEqual(await violations(page), [], state);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(overflow, 0, `${state} sticks out`);
    };
    const unlock = page.getByRole("button", { name: "Unlock Tesla Model 3", exact: true });

    await page.goto(home);
    await settled(page, home);
    await check("signed out");

    await page.getByRole("button", { name: "Sign in as Ada" }).click();
    assert.equal(await noticeOf(page), "signed_in");
    await check("signed in, without cars");

    await demo.connectCars(page);
    await unlock.waitFor();
    await check("connected");

    await unlock.click();
    await check("the question");
    await simulator.fault({ endpoint: "command", kind: "api_error", error: "VEHICLE_STATE", times: 1 });
    await page.locator("#confirm-yes").click();
    await page.locator('#notice[data-code="smartcar_error"]').waitFor();
    await check("an error");

    await page.getByRole("button", { name: "Write them down now" }).click();
    await page.locator("#logbook-entries li").first().waitFor();
    await check("the logbook");

    await page.getByRole("button", { name: "Sign out" }).click();
    await page.locator('#notice[data-code="signed_out"]').waitFor();
    await check("signed out again");

    await page.route("**/smartcar/**", (route) => route.abort());
    await page.reload();
    await page.locator('body[data-view="unavailable"]').waitFor();
    await check("out of reach");
  });
}
