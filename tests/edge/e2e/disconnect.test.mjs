// Disconnecting in real Chromium, on the demo page, by each of Smartcar's versions: what the owner sees, what Smartcar is told, and what
// is left.
import assert from "node:assert/strict";
import { test } from "node:test";

import { firstVisit, untilStored } from "../harness/connections-fixture.mjs";
import { runAlarm, storedKeys } from "../harness/instrumented.mjs";
import { decide, goToConnect, logIn, settled } from "../harness/owner.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { MINUTE } from "../harness/spans.mjs";
import { until } from "../harness/until.mjs";
import { byEachVersion } from "../harness/versions.mjs";

/** What Smartcar is told of cars. */
const DISCONNECTED = {
  v2: (cars) => cars.map(({ id }) => `/v2.0/vehicles/${id}/application 200`),
  v3: (cars) => cars.map(() => "/v3/connections/… 204"),
};
/** Smartcar's id of a connection is its own. */
const CONNECTION_ID = [/(?<=^\/v3\/connections\/)[^ ]+/, "…"];

/** Waits until it has: the focus moves after an element is shown or hidden. */
async function hasFocus(locator) {
  await until("the focus is there", () => locator.evaluate((element) => element === document.activeElement));
}

/** Smartcar's v3 lists the cars in an order of its own. */
function disconnectButton(page) {
  return page.getByRole("button", { name: /^Disconnect Tesla Model [3Y], Tesla Model [3Y]$/ });
}

byEachVersion(({ name }, opened) => {
  /** A new profile whose owner has connected the cars of one brand. */
  async function connected(account) {
    const context = await opened().newContext();
    const page = await context.newPage();
    const { vault, stored } = await firstVisit(opened().env, async () => {
      await page.goto(opened().home);
      await goToConnect(page, opened().simulator);
      await logIn(page, account);
      await decide(page, "Allow");
      await news(page, "connected");
    });
    const client = opened().env.client();
    [{ value: client.cookie }] = await context.cookies();
    const [connection] = await client.connections();
    await untilStored([connection], stored);
    return { context, page, client, connection, vault, stored };
  }

  /** Waits for the notice with this code, which has the focus, and for the list below it. */
  async function news(page, code) {
    await page.locator(`#notice[data-code="${code}"]`).waitFor();
    await settled(page, opened().home);
    await hasFocus(page.locator("#notice"));
  }

  async function told() {
    return (await opened().simulator.disconnects()).map(({ path, status }) => `${path} ${status}`);
  }

  test("an owner disconnects with the keyboard alone, and nothing is left but what is another's", async () => {
    const other = await connected({ brand: "Volkswagen", email: "other@example.com" });
    const { page, client, connection, vault, stored } = await connected();
    const dialog = page.getByRole("dialog", { name: "Disconnect 2 cars?" });

    await disconnectButton(page).focus();
    for (const leave of ["Escape", "Enter"]) {
      await page.keyboard.press("Enter");
      await dialog.waitFor();
      // A hasty Enter changes nothing.
      await hasFocus(page.locator("#confirm-no"));
      await page.keyboard.press(leave);
      await dialog.waitFor({ state: "hidden" });
      await hasFocus(disconnectButton(page));
    }
    assert.deepEqual(await told(), []);

    // The request waits until the page has said what it does.
    const { promise: isSaid, resolve: goOn } = Promise.withResolvers();
    await page.route("**/smartcar/connections/*", (route) => isSaid.then(() => route.continue()));
    await page.keyboard.press("Enter");
    await dialog.waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await dialog.getByRole("status").getByText("Disconnecting…").waitFor();
    goOn();
    await news(page, "disconnected");
    assert.equal(await page.locator("#notice-title").textContent(), "2 cars are disconnected");
    await page.getByRole("button", { name: "Connect your car" }).waitFor();
    assert.equal(await page.locator("#connections > li").count(), 0);

    const expected = DISCONNECTED[name](connection.vehicles);
    assert.deepEqual((await told()).map((one) => one.replace(...CONNECTION_ID)).sort(), expected.sort());
    assertProblem(await client.token(connection), { status: 404, code: "connection_not_found" });
    assert.ok(stored().length <= 1, "the grant is still in KV");

    // What is left of the owner goes with everything else.
    await page.evaluate(() => import("/pkg/index.js").then(({ disconnectAll }) => disconnectAll()));
    await opened().env.travel(5 * MINUTE);
    await runAlarm(opened().edge, vault);
    assert.deepEqual(await storedKeys(opened().edge, vault), []);
    assert.deepEqual(stored(), []);

    await other.page.reload();
    await other.page.getByRole("heading", { name: "Volkswagen ID.4" }).waitFor();
    assert.equal((await other.client.connections())[0].status, "active");
  });

  test("a disconnection that fails is said in words, the car stays listed, and the next attempt succeeds", async () => {
    const { page } = await connected();
    const offline = (route) => route.abort("internetdisconnected");
    await page.route("**/smartcar/**", offline);
    await disconnectButton(page).click();
    await page.locator("#confirm-yes").click();
    await news(page, "network_error");
    assert.deepEqual(await told(), []);

    await page.unroute("**/smartcar/**", offline);
    await disconnectButton(page).click();
    await page.locator("#confirm-yes").click();
    await news(page, "disconnected");
    assert.equal((await told()).length, 2);
  });

  test("what another tab has disconnected already is said to be so", async () => {
    const { context, page } = await connected();
    const second = await context.newPage();
    await second.goto(opened().home);
    await disconnectButton(second).click();
    await second.locator("#confirm-yes").click();
    await news(second, "disconnected");

    await disconnectButton(page).click();
    await page.locator("#confirm-yes").click();
    await news(page, "connection_not_found");
    await page.getByRole("button", { name: "Connect your car" }).waitFor();
  });
});
