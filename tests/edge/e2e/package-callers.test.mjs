// The npm package against the real Worker, for users of the app's own: by the token of the log-in and by tickets, in a window of its own,
// with the cars read and commanded.
import assert from "node:assert/strict";
import { after, afterEach, beforeEach, test } from "node:test";

import { openDemo } from "../harness/demo.mjs";
import { AUDIENCE, ISSUER, newKey, startLogIn, tokenFor } from "../harness/log-in.mjs";
import { decide, logIn } from "../harness/owner.mjs";
import { PREFIX, SERVICE_KEY } from "../harness/settings.mjs";

const key = newKey("RS256");
const appLogIn = await startLogIn();
appLogIn.publish("/keys", key.jwk);
const demo = await openDemo({
  adjust: (values) => ({ ...values, JWT_ISSUER: ISSUER, JWT_AUDIENCE: AUDIENCE, JWT_JWKS_URL: appLogIn.url("/keys") }),
});
const { simulator, home } = demo;
after(async () => {
  await demo.close();
  await appLogIn.close();
});
beforeEach(() => demo.reset());
afterEach(() => demo.closeProfiles());

const PAGE = `<!doctype html><meta charset="utf-8"><title>app</title><script type="module">
  import { createConnect } from "/pkg/index.js";
  const app = createConnect({ [window.caller]: () => window.give() });
  window.app = app;
  const told = ({ kind, code }) => kind ?? code;
  document.title = app.hasCallback() ? "finished: " + (await app.finish().then(told, told)) : "ready";
</script>`;

/** A ticket, as the app's back end has it made. */
async function ticketFor(user) {
  const answer = await fetch(`${home}${PREFIX.slice(1)}/internal/sessions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${SERVICE_KEY}` },
    body: JSON.stringify({ user }),
  });
  return (await answer.json()).ticket;
}

/** An app's own page in a new browser, whose user is logged in. `caller` is the option that says so. */
async function pageOf(caller, user) {
  const context = await demo.newContext();
  const logged = { user };
  await context.route(
    (url) => url.href.split("?")[0] === home,
    (route) => route.fulfill({ contentType: "text/html", body: PAGE }),
  );
  // What a redirect leads to can't be put in its place: the page of Connect goes there by itself.
  await context.route(
    (url) => url.origin === simulator.origin && url.pathname.endsWith("/consent"),
    async (route) => {
      const answer = await route.fetch({ maxRedirects: 0 });
      await route.fulfill({ contentType: "text/html", body: `<script>location.replace(${JSON.stringify(answer.headers().location)})</script>` });
    },
  );
  await context.addInitScript((caller) => {
    window.caller = caller;
    // Playwright has every page believe that it has the focus.
    document.hasFocus = () => false;
  }, caller);
  await context.exposeFunction("give", () => {
    if (logged.user === undefined) return null;
    return caller === "getToken" ? tokenFor(key, logged.user) : ticketFor(logged.user);
  });
  const page = await context.newPage();
  await page.goto(home);
  await page.waitForFunction(() => document.title === "ready");
  return { context, page, logged };
}

/** The owner connects in a window. */
async function connectIn(context, page) {
  const opened = context.waitForEvent("page");
  await page.evaluate(() => void (window.told = window.app.popup({ scope: ["read_vehicle_info", "read_odometer", "read_security", "control_security"] }).then(({ kind }) => kind, ({ code }) => code)));
  const connect = await opened;
  await connect.waitForURL((url) => url.origin === simulator.origin);
  await logIn(connect);
  await decide(connect, "Allow");
  assert.equal(await page.evaluate(() => window.told), "connected");
}

const cars = (page) => page.evaluate(async () => (await window.app.vehicles()).length);

for (const caller of ["getToken", "ticket"]) {
  test(`a user by \`${caller}\` connects in a window, reads and locks a car, and nobody else sees it`, async () => {
    const { context, page } = await pageOf(caller, "42");
    await connectIn(context, page);
    const told = await page.evaluate(async () => {
      const [{ id }] = await window.app.vehicles();
      const car = window.app.vehicle(id, { unitSystem: "imperial" });
      const { data, ...about } = await car.get("/odometer");
      const locked = await car.post("/security", { action: "LOCK" });
      const after = await car.get("/security");
      const refused = await car.get("/location").catch(({ code, smartcar }) => [code, smartcar?.type]);
      const other = await window.app.vehicle(id, { version: "v3" }).get("/signals").catch(({ code }) => code);
      const nowhere = await car.get("/horoscope").catch(({ code }) => code);
      return { distance: typeof data.distance, about: Object.keys(about), status: locked.data.status, isLocked: after.data.isLocked, refused, other, nowhere };
    });
    assert.equal(told.distance, "number");
    assert.ok(told.about.includes("requestId") && told.about.includes("unitSystem"), told.about.join());
    assert.deepEqual([told.status, told.isLocked], ["success", true]);
    assert.deepEqual(told.refused, ["smartcar_error", "PERMISSION"]);
    assert.deepEqual([told.other, told.nowhere], ["other_api_version", "not_found"]);

    const phone = await pageOf(caller, "42");
    assert.ok((await cars(phone.page)) > 0);
    const stranger = await pageOf(caller, "43");
    assert.equal(await cars(stranger.page), 0);
    assert.equal(await cars(page), await cars(phone.page));
  });

  test(`who connects a car and logs in then by \`${caller}\` brings it along, and takes nothing back by signing out`, async () => {
    const { context, page, logged } = await pageOf(caller);
    await connectIn(context, page);
    const before = await cars(page);
    assert.ok(before > 0);
    logged.user = "42";
    assert.equal(await page.evaluate(async () => (await window.app.claim()).connections), 1);
    assert.equal(await cars(page), before);
    await page.evaluate(() => window.app.signOut());
    logged.user = undefined;
    assert.equal(await cars(page), 0);
    const phone = await pageOf(caller, "42");
    assert.equal(await cars(phone.page), before);
  });
}

test("a user who signs out everywhere is out in the other browser too, which goes on by another ticket", async () => {
  const { context, page } = await pageOf("ticket", "42");
  await connectIn(context, page);
  const phone = await pageOf("ticket", "42");
  const before = await cars(phone.page);
  await page.evaluate(() => window.app.signOut({ everywhere: true }));
  assert.equal(await cars(phone.page), before);
  phone.logged.user = "43";
  await page.evaluate(() => window.app.vehicles());
  await page.evaluate(() => window.app.signOut({ everywhere: true }));
  assert.equal(await cars(phone.page), 0);
});
