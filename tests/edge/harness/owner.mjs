// What a car's owner does: on the demo page, and on the simulator's pages of Connect.
import assert from "node:assert/strict";

/** Clicks "Connect your car" and waits for Connect. Returns the state that the page made. */
export async function goToConnect(page, simulator) {
  const arrived = page.waitForRequest((request) => request.url().startsWith(`${simulator.origin}/oauth/authorize?`));
  await page.getByRole("button", { name: "Connect your car" }).click();
  const authorize = new URL((await arrived).url());
  await page.waitForURL((url) => url.origin === simulator.origin && url.pathname.startsWith("/connect/"));
  return { authorize, state: authorize.searchParams.get("state") };
}

/** Chooses the brand and logs in, up to the question for consent. */
export async function logIn(page, { brand = "Tesla", email = "owner@example.com" } = {}) {
  await page.getByRole("button", { name: new RegExp(`^${brand}`) }).click();
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill("any password");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("button", { name: "Allow", exact: true }).waitFor();
}

/** Answers the question for consent, `Allow` or `Deny`; all vehicles are ticked beforehand. */
export async function decide(page, decision) {
  await page.getByRole("button", { name: decision, exact: true }).click();
}

/** Lets Connect end with another outcome than consent, by its label in the simulator's list. */
export async function simulateOutcome(page, label) {
  await page.getByText("Simulate an outcome").click();
  await page.getByLabel("Send this back to the application").selectOption({ label });
  await page.getByRole("button", { name: "Send this outcome" }).click();
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
