// The move from Smartcar's v2 to its v3 in real Chromium: owners who are in the middle of it go on as before, and others connect anew.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { violations } from "../harness/axe.mjs";
import { openBrowser } from "../harness/browser.mjs";
import { startEdge } from "../harness/edge.mjs";
import { closeConnections, send } from "../harness/http.mjs";
import { decide, goToConnect, logIn, noticeOf, settled } from "../harness/owner.mjs";
import { freePort } from "../harness/port.mjs";
import { PREFIX, SERVICE_KEY, settings } from "../harness/settings.mjs";
import { startSimulator } from "../harness/simulator.mjs";
import { SECOND } from "../harness/spans.mjs";
import { until } from "../harness/until.mjs";
import { logIn as logInEvent, post, TOKEN } from "../harness/webhooks.mjs";
import { V3 } from "../harness/v3.mjs";

const port = await freePort();
const home = `http://localhost:${port}/`;
const simulator = await startSimulator([home, `${home.slice(0, -1)}${PREFIX}/connect/callback`]);
const browser = await openBrowser();
const bindings = { ...settings({ simulator, allowedOrigins: [new URL(home).origin] }), SMARTCAR_MANAGEMENT_TOKEN: TOKEN };
let edge;
after(async () => {
  closeConnections();
  await browser.close();
  await edge?.stop();
  await simulator.stop();
});

/** Deploys the Worker on the same data, at the same address. */
async function deploy(more = {}) {
  await edge?.halt();
  closeConnections();
  edge = await startEdge({ bindings: { ...bindings, ...more }, port, demo: true, data: edge?.data });
}

const moving = (mode) => deploy({ ...V3, SMARTCAR_MIGRATION: mode });

/** All connections that the report knows, by their ids, after what the setting says was done. */
async function pass() {
  const all = new Map();
  for (let cursor = ""; cursor !== null; ) {
    const headers = { authorization: `Bearer ${SERVICE_KEY}` };
    const query = `?limit=100${cursor && `&cursor=${cursor}`}`;
    const answer = await send(`${edge.origin}${PREFIX}/internal/migration${query}`, { method: "POST", headers });
    assert.equal(answer.status, 200, answer.text);
    for (const one of answer.json().connections) all.set(one.id, one);
    cursor = answer.json().cursor;
  }
  return all;
}

/** A new profile, on the page. */
async function profile() {
  const context = await browser.newContext();
  context.setDefaultTimeout(60 * SECOND);
  const page = await context.newPage();
  await page.goto(home);
  await settled(page, home);
  return page;
}

async function connect(page, { without, ...account }) {
  await goToConnect(page, simulator);
  await logIn(page, account);
  if (without) await page.locator(`input[value="${without}"]`).uncheck();
  await decide(page, "Allow");
  assert.equal(await noticeOf(page), "connected");
  await settled(page, home);
}

const cards = (page) => page.locator("#connections > li");
const idOn = (page) => cards(page).first().getAttribute("data-connection");
const statusOn = (page) => cards(page).first().getAttribute("data-status");

async function reload(page) {
  await page.reload();
  await settled(page, home);
}

/** Waits until KV, by which a pass finds the vaults, has this connection. */
const isKnown = (id) => until("a pass finds the connection", async () => (await pass()).has(id));

test("an owner does not notice the move: the same car, and one click to disconnect it everywhere", async () => {
  await deploy();
  const page = await profile();
  const account = { brand: "Volkswagen", email: "moves@example.com" };
  await connect(page, account);
  const id = await idOn(page);

  await moving("dry_run");
  await isKnown(id);
  assert.equal((await pass()).get(id).state, "would_move");
  await reload(page);
  assert.deepEqual([await idOn(page), await statusOn(page)], [id, "active"]);

  // Somebody else connects while others move.
  await moving("move");
  const other = await profile();
  await connect(other, { brand: "Tesla", email: "new@example.com" });
  const newId = await idOn(other);
  assert.equal((await pass()).get(id).state, "moved");
  await reload(page);
  assert.deepEqual([await idOn(page), await statusOn(page), await cards(page).count()], [id, "active", 1]);
  assert.deepEqual(await violations(page), []);
  await isKnown(newId);
  assert.equal((await pass()).get(newId).state, "made_for_v3");

  // And back, which the owner does not notice either.
  await moving("reverse");
  assert.equal((await pass()).get(id).state, "on_v2");
  await reload(page);
  assert.deepEqual([await idOn(page), await statusOn(page)], [id, "active"]);
  await moving("move");
  assert.equal((await pass()).get(id).state, "moved");

  const before = (await simulator.connections()).length;
  await reload(page);
  await page.getByRole("button", { name: /^Disconnect/ }).click();
  await page.locator("#confirm-yes").click();
  await page.locator('#notice[data-code="disconnected"]').waitFor();
  await until("the car is gone from the page", async () => (await cards(page).count()) === 0);
  await until("Smartcar lists it no more", async () => (await simulator.connections()).length === before - 1);
  await reload(other);
  assert.deepEqual([await idOn(other), await statusOn(other)], [newId, "active"]);
});

test("an owner whose connection can't be moved is asked, and connects again for v3", async () => {
  await deploy();
  const page = await profile();
  const account = { brand: "Tesla", email: "stays@example.com" };
  await connect(page, account);
  const id = await idOn(page);
  await moving("move");
  const body = { data: [], meta: { totalCount: 0 } };
  await simulator.fault({ endpoint: "v3_connections", kind: "status", status: 200, body, times: null });
  await until("it can't be moved", async () => (await pass()).get(id)?.state === "cannot");
  await simulator.clearFaults();
  await reload(page);
  assert.equal(await statusOn(page), "reauthentication_required");
  assert.match(await cards(page).first().textContent(), /Connect again to keep the car; until then everything still works/);
  assert.deepEqual(await violations(page), []);

  const arrived = page.waitForRequest((request) => request.url().startsWith(`${simulator.origin}/oauth/authorize?`));
  await page.getByRole("button", { name: /^Reconnect/ }).click();
  await arrived;
  await logIn(page, account);
  await decide(page, "Allow");
  assert.equal(await noticeOf(page), "connected");
  await settled(page, home);
  await until("the former connection is gone", async () => {
    await reload(page);
    return (await cards(page).count()) === 1 && (await idOn(page)) !== id;
  });
  assert.equal(await statusOn(page), "active");
  const newId = await idOn(page);
  await isKnown(newId);
  assert.equal((await pass()).get(newId).state, "made_for_v3");
});

/** Asks the Worker as the page does. */
const asked = (page, path) =>
  page.evaluate(async (path) => {
    const answer = await fetch(path, { headers: { "x-requested-with": "smartcar-connect" } });
    return { status: answer.status, body: await answer.json() };
  }, `${PREFIX}${path}`);

const connectionOf = async (page) => (await asked(page, "/connections")).body.connections[0];

async function untilStatus(page, status) {
  await until(`the connection is ${status}`, async () => {
    await reload(page);
    return (await statusOn(page)) === status;
  });
}

/** The maker of the owner's car wants a new log-in, which Smartcar says in a webhook; the owner logs in again. */
async function comesBackAfterWebhook(page, userId) {
  const connection = await connectionOf(page);
  const [{ id: vehicleId }] = connection.vehicles;
  const event = (state) => logInEvent(state, { userId, vehicleId, at: Date.now() });
  assert.equal((await post(edge, event("ERROR"))).status, 200);
  await untilStatus(page, "reauthentication_required");
  const arrived = page.waitForRequest((request) => request.url().startsWith(`${simulator.origin}/oauth/reauthenticate?`));
  await page.getByRole("button", { name: /^Reconnect/ }).click();
  await arrived;
  await page.getByLabel("E-mail").fill("owner@example.com");
  await page.getByLabel("Password").fill("any password");
  await page.getByRole("button", { name: "Log in" }).click();
  await decide(page, "Allow");
  assert.equal(await noticeOf(page), "reauthenticated");
  await untilStatus(page, "active");
  assert.equal((await connectionOf(page)).id, connection.id);
  // And a false alarm, which Smartcar takes back.
  assert.equal((await post(edge, event("ERROR"))).status, 200);
  await untilStatus(page, "reauthentication_required");
  assert.equal((await post(edge, event("RESOLVED"))).status, 200);
  await untilStatus(page, "active");
}

test("in the middle of the move owners come back, grant more, disconnect and connect without JavaScript, each by the version of their car", async () => {
  await deploy();
  const [back, more, gone] = [await profile(), await profile(), await profile()];
  const known = (await simulator.connections()).length;
  await connect(back, { brand: "Volkswagen", email: "comes-back@example.com" });
  const [{ userId }] = (await simulator.connections()).slice(known);
  await connect(more, { brand: "Tesla", email: "grants-more@example.com", without: "read_location" });
  await connect(gone, { brand: "Tesla", email: "disconnects@example.com" });
  const ids = await Promise.all([back, more, gone].map(idOn));

  // Both versions side by side, and nothing is moved yet.
  await moving("move");
  await reload(back);
  assert.equal((await connectionOf(back)).apiVersion, "v2");
  await comesBackAfterWebhook(back, userId);
  await reload(gone);
  const before = (await simulator.disconnects()).length;
  await gone.getByRole("button", { name: /^Disconnect/ }).click();
  await gone.locator("#confirm-yes").click();
  await gone.locator('#notice[data-code="disconnected"]').waitFor();
  const told = (await simulator.disconnects()).slice(before).map(({ path, status }) => [path.split("/")[1], status]);
  assert.deepEqual(told, Array(2).fill(["v2.0", 200]));
  // The same cars of another owner stay.
  await reload(more);
  assert.equal(await cards(more).count(), 1);

  const withoutScript = await browser.newContext({ javaScriptEnabled: false });
  await withoutScript.route(`${home}cars`, (route) =>
    route.fulfill({ contentType: "text/html", body: `<a href="${PREFIX}/connect/login?return_to=/cars">Connect</a>` }),
  );
  const plain = await withoutScript.newPage();
  await plain.goto(`${home}cars`);
  await plain.getByRole("link", { name: "Connect" }).click();
  await logIn(plain, { brand: "Volkswagen", email: "plain@example.com" });
  await withoutScript.route(`${home}cars?**`, (route) => route.fulfill({ contentType: "text/html", body: "back" }));
  await decide(plain, "Allow");
  await plain.waitForURL(`${home}cars?smartcar=connected`);
  await plain.goto(`${home.slice(0, -1)}${PREFIX}/connections`);
  const { connections } = JSON.parse(await plain.locator("body").innerText());
  assert.deepEqual(connections.map(({ status, apiVersion }) => [status, apiVersion]), [["active", "v3"]]);

  // Now they are.
  await until("they are moved", async () => {
    const report = await pass();
    return ids.slice(0, 2).every((id) => report.get(id)?.state === "moved");
  });
  assert.equal((await connectionOf(back)).apiVersion, "v3");
  await comesBackAfterWebhook(back, userId);
  const [car] = (await connectionOf(more)).vehicles;
  assert.equal((await asked(more, `/api/v3/vehicles/${car.id}/signals/location-preciselocation`)).status, 200);
  await untilStatus(more, "reauthentication_required");
  const arrived = more.waitForRequest((request) => request.url().startsWith(`${simulator.origin}/oauth/authorize?`));
  await more.getByRole("button", { name: /^Reconnect/ }).click();
  assert.equal(new URL((await arrived).url()).searchParams.get("approval_prompt"), "force");
  await logIn(more, { brand: "Tesla", email: "grants-more@example.com" });
  await decide(more, "Allow");
  assert.equal(await noticeOf(more), "connected");
  await until("the new connection has taken the place of what was moved", async () => {
    await reload(more);
    return (await cards(more).count()) === 1 && (await statusOn(more)) === "active";
  });
  assert.notEqual(await idOn(more), ids[1]);
  assert.deepEqual((await simulator.requests()).filter(({ path, status }) => path.startsWith("/v2.0/") && status === 401), []);
});
