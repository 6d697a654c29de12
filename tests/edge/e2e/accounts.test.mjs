// The app's own users on the demo page, in several browsers: whose cars are where, and what the back end does without any.
import assert from "node:assert/strict";
import { after, afterEach, beforeEach, test } from "node:test";

import { storageOf } from "../harness/browser.mjs";
import { openDemo } from "../harness/demo.mjs";
import { noticeOf, settled } from "../harness/owner.mjs";
import { scannerFor } from "../harness/secrets.mjs";
import { SERVICE_KEY, sessionCookieAt } from "../harness/settings.mjs";
import { until } from "../harness/until.mjs";

const demo = await openDemo();
const { env, edge, simulator, home } = demo;
after(() => demo.close());
beforeEach(() => demo.reset());
afterEach(() => demo.closeProfiles());

/** A new browser on the demo page. */
async function browser() {
  const context = await demo.newContext();
  const page = await context.newPage();
  await page.goto(home);
  await settled(page, home);
  return { context, page };
}

async function signIn(page, name) {
  await page.getByRole("button", { name: `Sign in as ${name}` }).click();
  await page.locator('#notice[data-code="signed_in"]').waitFor();
  await settled(page, home);
  assert.equal(await page.locator("#account-name").textContent(), name);
}

async function signOut(page) {
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.locator('#notice[data-code="signed_out"]').waitFor();
  await settled(page, home);
}

const cars = (page) => page.locator("#connections .vehicle h2").allTextContents();
const TESLAS = ["Tesla Model 3", "Tesla Model Y"];
/** Three o'clock in the morning, of a night long ago. */
const NIGHT = new Date("2026-03-01T03:00:00Z");

async function asBackEnd(path, user) {
  const headers = { authorization: `Bearer ${SERVICE_KEY}`, "smartcar-connect-user": user };
  const answer = await fetch(`${edge.origin}/smartcar${path}`, { headers });
  assert.equal(answer.status, 200, path);
  return answer.json();
}

test("user 42 connects on one browser, sees the cars on another, is read by night, and logs out", async () => {
  const laptop = await browser();
  await signIn(laptop.page, "Ada");
  await demo.connectCars(laptop.page);
  assert.deepEqual(await cars(laptop.page), TESLAS);

  const phone = await browser();
  assert.deepEqual(await cars(phone.page), []);
  await signIn(phone.page, "Ada");
  assert.deepEqual(await cars(phone.page), TESLAS);
  await phone.page.getByText("64% · 272 km to go").first().waitFor();
  await phone.page.getByRole("button", { name: "Unlock Tesla Model 3" }).click();
  await phone.page.locator("#confirm-yes").click();
  await phone.page.getByRole("button", { name: "Lock Tesla Model 3", exact: true }).waitFor();

  const neighbour = await browser();
  await signIn(neighbour.page, "Grace");
  assert.deepEqual(await cars(neighbour.page), []);

  // By night the laptop is off: its browser is gone, and nobody shows a cookie.
  await laptop.context.close();
  const before = (await simulator.requests()).length;
  assert.equal((await edge.scheduled({ scheduledTime: NIGHT })).outcome, "ok");
  const asked = (await simulator.requests()).slice(before).filter(({ endpoint }) => endpoint === "odometer");
  assert.deepEqual(asked.map(({ status }) => status), [200, 200]);
  const { vehicles } = await asBackEnd("/vehicles", "42");
  assert.equal(vehicles.length, 2);
  assert.equal((await asBackEnd(`/api/v2.0/vehicles/${vehicles[0].id}/odometer`, "42")).distance > 0, true);
  assert.deepEqual((await asBackEnd("/vehicles", "43")).vehicles, []);

  await phone.page.reload();
  const entries = phone.page.locator("#logbook-entries li");
  await until("the logbook is there", async () => (await entries.count()) === 2);
  assert.deepEqual(await entries.locator(".car").allTextContents(), TESLAS);
  assert.deepEqual(await entries.locator(".km").allTextContents(), ["61,205 km", "18,350 km"]);

  const [{ value }] = (await phone.context.cookies()).filter(({ name }) => name === sessionCookieAt(home));
  await signOut(phone.page);
  assert.deepEqual(await cars(phone.page), []);
  assert.deepEqual(await phone.context.cookies(), []);
  const stale = env.client();
  stale.cookie = value;
  assert.deepEqual((await stale.get("/connections")).json().connections ?? [], [], "the old cookie still opens the account");
  assert.equal((await asBackEnd("/connections", "42")).connections.length, 1);

  const scan = scannerFor([...(await simulator.secrets()), SERVICE_KEY]);
  for (const { page } of [phone, neighbour]) {
    assert.deepEqual(scan("storage", JSON.stringify(await storageOf(page))), []);
    assert.deepEqual(scan("page", await page.content()), []);
  }
  assert.deepEqual(scan("log", await env.log()), []);
});

test("one browser is one user's after another's: nothing of the first is left", async () => {
  const { page, context } = await browser();
  await signIn(page, "Ada");
  await demo.connectCars(page);
  await signOut(page);
  await signIn(page, "Grace");
  assert.deepEqual(await cars(page), []);
  await page.reload();
  await settled(page, home);
  assert.deepEqual(await cars(page), []);
  await signOut(page);
  await signIn(page, "Ada");
  assert.deepEqual(await cars(page), TESLAS);
  assert.equal((await context.cookies()).length, 2);
});

test("a user whose sessions were ended elsewhere sees the cars again by a new one", async () => {
  const { page } = await browser();
  await signIn(page, "Ada");
  await demo.connectCars(page);
  const headers = { authorization: `Bearer ${SERVICE_KEY}`, "smartcar-connect-user": "42" };
  const ended = await fetch(`${edge.origin}/smartcar/session?everywhere`, { method: "DELETE", headers });
  assert.equal(ended.status, 204);
  await page.reload();
  await settled(page, home);
  assert.deepEqual(await cars(page), TESLAS);
});

test("a user whose session at the Worker is lost sees the cars all the same, and stays the same user", async () => {
  const { page, context } = await browser();
  await signIn(page, "Ada");
  await demo.connectCars(page);
  await context.clearCookies({ name: sessionCookieAt(home) });
  await page.reload();
  await settled(page, home);
  assert.deepEqual(await cars(page), TESLAS);
});

test("cars that were connected before signing in come along, and are there in every browser", async () => {
  const { page } = await browser();
  await demo.connectCars(page);
  await signIn(page, "Ada");
  assert.match(await page.locator("#notice").textContent(), /are yours now/);
  assert.deepEqual(await cars(page), TESLAS);
  await page.getByText("64% · 272 km to go").first().waitFor();

  const phone = await browser();
  await signIn(phone.page, "Ada");
  assert.deepEqual(await cars(phone.page), TESLAS);
  // Who uses this browser next finds nothing of it.
  await signOut(page);
  assert.deepEqual(await cars(page), []);
  await signIn(page, "Grace");
  assert.deepEqual(await cars(page), []);
});

test("a ticket that is refused signs nobody in, at the app either", async () => {
  const { page, context } = await browser();
  await page.route("**/smartcar/session/claim", (route) => route.continue({ postData: JSON.stringify({ ticket: "t1.forged" }) }));
  await page.getByRole("button", { name: "Sign in as Ada" }).click();
  assert.equal(await noticeOf(page), "ticket_rejected");
  await page.getByRole("button", { name: "Sign in as Ada" }).waitFor();
  assert.deepEqual(await context.cookies(), []);
});

test("nobody is signed in by a cookie that was written or changed, and no page of another origin signs anybody in", async () => {
  const { page, context } = await browser();
  await signIn(page, "Ada");
  const cookies = await context.cookies();
  const own = cookies.find(({ name }) => name.startsWith("__Host-demo-user"));
  assert.deepEqual([own.httpOnly, own.secure, own.sameSite], [true, true, "Strict"]);
  const [, until, signature] = own.value.split(".");
  const account = async (value) => {
    const headers = { cookie: `${own.name}=${value}`, "sec-fetch-site": "same-origin" };
    return (await (await fetch(`${home}demo/account`, { headers })).json()).user?.name;
  };
  assert.equal(await account(own.value), "Ada");
  const forged = [`43.${until}.${signature}`, `42.${Number(until) + 1}.${signature}`, `42.${until}.`, `42.${until}`, "42"];
  for (const value of [...forged, `42.${until}.${"A".repeat(43)}`, `${own.value}.x`]) {
    assert.equal(await account(value), undefined, value);
  }
  for (const site of ["same-site", "cross-site", undefined]) {
    const headers = { cookie: `${own.name}=${own.value}`, ...(site ? { "sec-fetch-site": site } : {}) };
    const calls = ["GET account", "PUT account", "DELETE account", "POST ticket", "GET logbook", "POST logbook"];
    for (const call of calls) {
      const [method, route] = call.split(" ");
      assert.equal((await context.request.fetch(`${home}demo/${route}`, { method, headers })).status(), 403, call);
    }
  }
  const strangers = await fetch(`${home}demo/ticket`, { method: "POST", headers: { "sec-fetch-site": "same-origin" } });
  assert.equal(strangers.status, 401);
});
