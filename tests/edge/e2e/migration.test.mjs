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
import { V3 } from "../harness/v3.mjs";

const port = await freePort();
const home = `http://localhost:${port}/`;
const simulator = await startSimulator([home]);
const browser = await openBrowser();
const bindings = settings({ simulator, allowedOrigins: [new URL(home).origin] });
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

async function connect(page, account) {
  await goToConnect(page, simulator);
  await logIn(page, account);
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
