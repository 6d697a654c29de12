// An owner's way through an example, with the Worker in workerd and the simulator in Smartcar's place. The examples say the same in the
// same words, whatever they are made with.
import assert from "node:assert/strict";

import { violations } from "../../edge/harness/axe.mjs";
import { startEdge } from "../../edge/harness/edge.mjs";
import { closeConnections } from "../../edge/harness/http.mjs";
import { decide, goToConnect, logIn } from "../../edge/harness/owner.mjs";
import { freePort } from "../../edge/harness/port.mjs";
import { settings } from "../../edge/harness/settings.mjs";
import { startSimulator } from "../../edge/harness/simulator.mjs";
import { openPage } from "./pages.mjs";
import { served } from "./project.mjs";

/** A Worker and a simulator for pages at a port that is free. */
export async function backend(t, pages = ["/"]) {
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const simulator = await startSimulator(pages.map((path) => origin + path));
  t.after(() => simulator.stop());
  const edge = await startEdge({ bindings: settings({ simulator, allowedOrigins: [origin] }) });
  t.after(() => {
    closeConnections();
    return edge.stop();
  });
  return { port, origin, simulator, env: { WORKER: edge.origin } };
}

/**
 * The whole way through an example that Vite serves: built, by `preview`, or for a developer, by `dev`. `look` is at the page before the
 * owner comes.
 */
export async function assertWorks(t, folder, command, look = () => {}) {
  const there = await backend(t);
  await served(t, folder, "vite", (port) => [command, "--port", port], there);
  await look(t, there);
  const { page, state } = await assertConnects(t, there);
  await assertMoves(page, there, state);
  if (command === "preview") await assertComesBack(page, there);
}

/** Opens the page, and counts the callbacks that it sends. */
async function opened(t, origin) {
  const said = [];
  const page = await openPage(t, `${origin}/`, said);
  const finished = [];
  page.on("request", (request) => {
    if (new URL(request.url()).pathname === "/smartcar/connect/finish") finished.push(request.url());
  });
  return { page, finished, said };
}

const says = (page, text) => page.getByRole("status").filter({ hasText: text }).waitFor();
const carsOf = (page) => page.getByRole("listitem").filter({ hasText: "Tesla" });
const nothing = (page) => page.getByText("No car is connected.").waitFor();

async function answer(page, simulator, decision) {
  const { state } = await goToConnect(page, simulator).catch(async (error) => {
    assert.fail(`${error.message}\n${await page.locator("body").innerText()}`);
  });
  await logIn(page);
  await decide(page, decision);
  return state;
}

/** Nothing of a callback is in the address or in the history. */
async function assertClean(page, address, simulator, state) {
  await page.waitForURL(address);
  const kept = JSON.stringify(await page.evaluate(() => [location.href, history.state]));
  for (const secret of [state, ...(await simulator.secrets())]) assert.ok(!kept.includes(secret), kept);
}

/** An owner says no, connects, comes back, and disconnects. */
export async function assertConnects(t, { origin, simulator }) {
  const { page, finished, said } = await opened(t, origin);
  await nothing(page);
  assert.deepEqual(await violations(page), []);
  await answer(page, simulator, "Deny");
  await says(page, "Not connected: access_denied").catch((error) => assert.fail(`${error.message}\n${said.join("\n")}`));
  assert.equal(finished.length, 1);
  const state = await answer(page, simulator, "Allow");
  await says(page, "Connected.");
  await carsOf(page).waitFor();
  assert.deepEqual(await violations(page), []);
  assert.equal(finished.length, 2, "each callback was sent once");
  await assertClean(page, `${origin}/`, simulator, state);
  await page.reload();
  await carsOf(page).waitFor();
  assert.equal(await page.getByRole("status").textContent().then((text) => text.trim()), "");
  await withoutNames(page, `${origin}/`, "Your car, Your car Disconnect");
  await page.reload();
  await carsOf(page).waitFor();
  await page.getByRole("button", { name: "Disconnect" }).click();
  await nothing(page);
  assert.equal(await page.getByRole("alert").filter({ hasText: /./ }).count(), 0);
  return { page, state };
}

/** Opens the page while Smartcar has not said yet what its cars are. */
export async function withoutNames(page, address, expected) {
  const vehicles = "**/smartcar/vehicles";
  await page.route(vehicles, async (route) => {
    const response = await route.fetch();
    const answer = await response.json();
    for (const name of ["make", "model", "year"]) for (const vehicle of answer.vehicles) delete vehicle[name];
    await route.fulfill({ response, json: answer });
  });
  await page.goto(address);
  const item = page.getByRole("listitem").first();
  await item.filter({ hasText: /Your car|undefined/ }).waitFor();
  assert.equal((await item.innerText()).replace(/\s+/g, " ").trim(), expected);
  await page.unroute(vehicles);
}

/** From view to view, and by the history. */
async function assertMoves(page, { origin, simulator }, state) {
  const settings = page.getByRole("heading", { name: "Settings" });
  const cars = page.getByRole("heading", { name: "Your cars" });
  await page.getByRole("link", { name: "Settings" }).click();
  await settings.waitFor();
  await assertClean(page, `${origin}/settings`, simulator, state);
  for (const way of ["goBack", "goForward", "goBack", "reload"]) {
    await page[way]();
    await (way === "goForward" ? settings : cars).waitFor();
    await assertClean(page, way === "goForward" ? `${origin}/settings` : `${origin}/`, simulator, state);
  }
  await page.getByRole("link", { name: "Settings" }).click();
  await page.getByRole("link", { name: "Cars" }).click();
  await nothing(page);
}

/** By the Back button from Connect, and in a window of its own. */
export async function assertComesBack(page, { simulator }) {
  await goToConnect(page, simulator);
  await page.goBack();
  await page.getByText("nothing came of it").waitFor();
  await page.getByRole("button", { name: "Never mind" }).click();
  await page.getByText("nothing came of it").waitFor({ state: "hidden" });

  const [popup] = await Promise.all([page.waitForEvent("popup"), page.getByRole("button", { name: "In a window" }).click()]);
  assert.ok(await page.getByRole("button", { name: "Connect your car" }).isDisabled());
  await logIn(popup);
  await Promise.all([popup.waitForEvent("close"), decide(popup, "Allow")]);
  await says(page, "Connected.");
  await carsOf(page).waitFor();
  assert.ok(await page.getByRole("button", { name: "Connect your car" }).isEnabled());
}
