// What a car's owner does: on the demo page, and on the simulator's pages of Connect.
import assert from "node:assert/strict";

/** Clicks "Connect your car" and waits for Connect. Gives the state that the page made. */
export async function goToConnect(page, simulator) {
  const arrived = page.waitForRequest((request) => request.url().startsWith(`${simulator.origin}/oauth/authorize?`));
  await page.getByRole("button", { name: "Connect your car" }).click();
  const authorize = new URL((await arrived).url());
  await page.waitForURL((url) => url.origin === simulator.origin && url.pathname.startsWith("/connect/"));
  return { authorize, state: authorize.searchParams.get("state") };
}

/** Chooses the brand and logs in, up to the question for consent. */
export async function logIn(page, { make = "TESLA", email = "owner@example.com" } = {}) {
  await page.locator(`[name="make"][value="${make}"]`).click();
  await page.locator('[name="email"]').fill(email);
  await page.locator('[name="password"]').fill("any password");
  await page.locator('[name="password"]').press("Enter");
  await page.locator('[name="decision"][value="allow"]').waitFor();
}

/** Answers the question for consent: `allow` or `deny`. */
export async function decide(page, decision) {
  if (decision === "allow") {
    for (const box of await page.locator('[name="vehicle"]').all()) await box.check();
  }
  await page.locator(`[name="decision"][value="${decision}"]`).click();
}

/** The code of the notice that the demo page shows, once it has finished. */
export async function noticeOf(page) {
  const notice = page.locator("#notice");
  await notice.waitFor({ state: "visible" });
  return notice.getAttribute("data-code");
}

/** Waits until the demo page shows what there is, and checks that the callback is gone from its address. */
export async function settled(page, home) {
  await page.locator('body:not([data-view="busy"])').waitFor();
  assert.equal(page.url(), home);
}
