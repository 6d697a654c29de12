// Disconnecting in real Chromium, on the demo page: what the owner sees, what Smartcar is told, and what is left.
import assert from "node:assert/strict";
import { after, afterEach, beforeEach, test } from "node:test";

import { openBrowser } from "../harness/browser.mjs";
import { instrumentedModules, runAlarm, storedKeys } from "../harness/instrumented.mjs";
import { decide, goToConnect, logIn, settled } from "../harness/owner.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { until } from "../harness/until.mjs";
import { openEnv } from "../harness/env.mjs";

const PATIENCE_MS = 10_000;
const MINUTE = 60_000;
const env = await openEnv({ demo: true, modules: instrumentedModules() });
const { simulator, edge } = env;
const home = `${edge.origin}/`;
const browser = await openBrowser();
after(async () => {
  await browser.close();
  await env.close();
});
beforeEach(() => simulator.reset());
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));

/** The names in KV that were not there `before`. */
async function kvNames(before = []) {
  const { keys } = await (await edge.kv()).list();
  return keys.map(({ name }) => name).filter((name) => !before.includes(name));
}

/** A new profile whose owner has connected the cars of one brand. */
async function connected(account) {
  const [vaults, names] = [await edge.vaultIds(), await kvNames()];
  const context = await browser.newContext();
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  await page.goto(home);
  await goToConnect(page, simulator);
  await logIn(page, account);
  await decide(page, "Allow");
  await news(page, "connected");
  const [vault] = (await edge.vaultIds()).filter((id) => !vaults.includes(id));
  await until("KV has the grant and the index", async () => (await kvNames(names)).length === 2);
  const client = env.client();
  [{ value: client.cookie }] = await context.cookies();
  const [connection] = await client.connections();
  return { context, page, client, connection, vault, own: () => kvNames(names) };
}

/** Waits for the notice with this code, which has the focus, and for the list below it. */
async function news(page, code) {
  await page.locator(`#notice[data-code="${code}"]`).waitFor();
  await settled(page, home);
  assert.equal(await focused(page), "notice");
}

function focused(page) {
  return page.evaluate(() => document.activeElement.id);
}

function disconnectButton(page) {
  return page.getByRole("button", { name: "Disconnect Tesla Model 3, Tesla Model Y" });
}

async function told() {
  const requests = await simulator.requests();
  return requests.filter(({ method }) => method === "DELETE").map(({ path, status }) => `${path} ${status}`);
}

test("an owner disconnects with the keyboard alone, and nothing is left but what is another's", async () => {
  const other = await connected({ brand: "Volkswagen", email: "other@example.com" });
  const { page, client, connection, vault, own } = await connected();
  const dialog = page.getByRole("dialog", { name: "Disconnect 2 cars?" });

  await disconnectButton(page).focus();
  for (const leave of ["Escape", "Enter"]) {
    await page.keyboard.press("Enter");
    await dialog.waitFor();
    assert.equal(await focused(page), "confirm-no", "a hasty Enter changes nothing");
    await page.keyboard.press(leave);
    await dialog.waitFor({ state: "hidden" });
    assert.ok(await disconnectButton(page).evaluate((button) => button === document.activeElement));
  }
  assert.deepEqual(await told(), []);

  await simulator.fault({ endpoint: "disconnect", kind: "slow_headers", ms: 500, commit: true, times: 1 });
  await page.keyboard.press("Enter");
  await dialog.waitFor();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await dialog.getByRole("status").getByText("Disconnecting…").waitFor();
  await news(page, "disconnected");
  assert.equal(await page.locator("#notice-title").textContent(), "2 cars are disconnected");
  await page.getByRole("button", { name: "Connect your car" }).waitFor();
  assert.equal(await page.locator("#connections > li").count(), 0);

  const expected = connection.vehicles.map(({ id }) => `/v2.0/vehicles/${id}/application 200`);
  assert.deepEqual((await told()).sort(), expected.sort());
  assertProblem(await client.token(connection), { status: 404, code: "connection_not_found" });
  assert.ok((await own()).length <= 1, "the grant is still in KV");

  // What is left of the owner goes with everything else.
  await page.evaluate(() => import("/pkg/index.js").then(({ disconnectAll }) => disconnectAll()));
  await env.travel(5 * MINUTE);
  await runAlarm(edge, vault);
  assert.deepEqual(await storedKeys(edge, vault), []);
  assert.deepEqual(await own(), []);

  await other.page.reload();
  await other.page.getByRole("heading", { name: "Volkswagen ID.4" }).waitFor();
  assert.equal((await other.client.token(other.connection)).status, 200);
});

test("a failure is said in words, the car stays listed, and the next attempt succeeds", async () => {
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
  await second.goto(home);
  await disconnectButton(second).click();
  await second.locator("#confirm-yes").click();
  await news(second, "disconnected");

  await disconnectButton(page).click();
  await page.locator("#confirm-yes").click();
  await news(page, "connection_not_found");
  await page.getByRole("button", { name: "Connect your car" }).waitFor();
});
