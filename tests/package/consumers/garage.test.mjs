// The example of a whole app, `examples/garage`, from `npm install` on: its page in Chromium, its job by night, its webhooks.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer, request as httpRequest } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";

import { violations } from "../../edge/harness/axe.mjs";
import { openBrowser } from "../../edge/harness/browser.mjs";
import { decide, logIn } from "../../edge/harness/owner.mjs";
import { freePort } from "../../edge/harness/port.mjs";
import { ROOT, run } from "../support/consumer.mjs";
import { ended } from "../support/deployment.mjs";
import { environment, installGarage, startGarage } from "../support/garage.mjs";

const PASSWORDS = { Ada: "engine", Grace: "compiler" };
const IDS = { Ada: "42", Grace: "43" };
const MODEL_3 = "a1b01e50-497c-417c-a30e-6df6ba33ba46";
const MODEL_Y = "5f0b1c9e-3a56-4b7d-9d44-0c8d6e1a7b21";
const HOUR_MS = 3_600_000;
// Much longer than anything takes, even on a machine that is busy with something else.
const PATIENCE_MS = 180_000;

let garage;
let browser;
before(async () => {
  const folder = await installGarage();
  [garage, browser] = await Promise.all([startGarage(folder), openBrowser()]);
});
after(async () => {
  await browser?.close();
  await garage?.remove();
});

// Nobody has a car, and Smartcar is well.
beforeEach(async () => {
  await garage.control("DELETE", "/faults");
  for (const id of Object.values(IDS)) await asService(id, "DELETE", "/connections");
});
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));

/** What the back end could ask the Worker. */
async function asService(user, method, path) {
  const headers = { authorization: `Bearer ${garage.app.SERVICE_KEY}`, "smartcar-connect-user": user };
  const answer = await fetch(`${garage.app.WORKER}${path}`, { method, headers });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
  return answer.status === 204 ? undefined : answer.json();
}

async function visit(address = garage.page, options = {}) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(PATIENCE_MS);
  return openTab(context, address);
}

async function openTab(context, address = garage.page) {
  const page = await context.newPage();
  await page.goto(address);
  await settled(page);
  return page;
}

/** Waits until the page shows what there is. */
const settled = (page) => page.locator('body:not([aria-busy="true"]):not([data-view="loading"])').waitFor();

async function signIn(page, name) {
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(PASSWORDS[name]);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByText(`Signed in as ${name}`).waitFor();
  await settled(page);
}

async function signOut(page) {
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await settled(page);
}

/** Does in the window of Connect what an owner does, from the click on `button` on. */
async function throughConnect(page, button, inConnect) {
  const [popup] = await Promise.all([page.waitForEvent("popup"), page.getByRole("button", { name: button }).click()]);
  const closed = popup.waitForEvent("close");
  await inConnect(popup);
  await closed;
  await settled(page);
}

const connect = (page, brand = "Tesla", button = "Connect a car") =>
  throughConnect(page, button, async (popup) => {
    await logIn(popup, { brand });
    await decide(popup, "Allow");
  });

/** The maker's log-in alone, without a choice of brands. */
const logInAgain = (page, button) =>
  throughConnect(page, button, async (popup) => {
    await popup.getByLabel("E-mail").fill("owner@example.com");
    await popup.getByLabel("Password").fill("any password");
    await popup.getByRole("button", { name: "Log in" }).click();
    await decide(popup, "Allow");
  });

const carsOf = (page) => page.locator(".vehicle h3").allTextContents();
const figuresOf = (page, car) => page.locator(".vehicle", { hasText: car }).locator('dl:not([aria-busy="true"])').textContent();
const words = (text) => text.replace(/\s+/g, " ").trim();

/** The tab is looked at again. */
async function lookAgain(page) {
  await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await settled(page);
}

/** Does something in a database of the app's. */
function inDatabase(work, file = "garage.db") {
  const database = new DatabaseSync(join(garage.folder, "data", file));
  try {
    database.exec("PRAGMA busy_timeout = 60000");
    return work(database);
  } finally {
    database.close();
  }
}

/** The back end alone, as `npm start` starts it. Resolves once it answers, to its address. */
async function startBackEnd(t, { settings }) {
  const port = String(await freePort());
  const options = { cwd: garage.folder, env: { ...environment(), PORT: port, ...settings }, stdio: ["ignore", "ignore", "pipe"], detached: true };
  const app = spawn("npm", ["start"], options);
  const said = [];
  app.stderr.setEncoding("utf8").on("data", (text) => said.push(text));
  const gone = new Promise((resolve) => app.once("exit", resolve));
  t.after(async () => {
    if (app.exitCode === null) process.kill(-app.pid, "SIGKILL");
    await gone;
  });
  const address = `http://localhost:${port}`;
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end && app.exitCode === null; await sleep(100)) {
    if ((await fetch(`${address}/app/healthz`).catch(() => undefined))?.ok) return { address, said: () => said.join("") };
  }
  throw new Error(`the back end does not start; it said: ${said.join("")}`);
}

test("Ada connects a car and sees its battery; Grace, in the same browser after her, sees none", async () => {
  const page = await visit();
  await signIn(page, "Ada");
  await page.getByText("You have no cars yet.").waitFor();
  await connect(page);
  await page.getByText("Connected. From now on").waitFor();
  assert.deepEqual(await carsOf(page), ["Tesla Model 3", "Tesla Model Y"]);
  assert.match(words(await figuresOf(page, "Tesla Model 3")), /Battery 64% Odometer 61,205 km/);
  await page.reload();
  await settled(page);
  assert.deepEqual(await carsOf(page), ["Tesla Model 3", "Tesla Model Y"], "after a reload");

  await signOut(page);
  assert.deepEqual(await carsOf(page), []);
  await signIn(page, "Grace");
  assert.deepEqual(await carsOf(page), []);
  await page.getByText("You have no cars yet.").waitFor();

  // Ada has another computer.
  const other = await visit();
  await signIn(other, "Ada");
  assert.deepEqual(await carsOf(other), ["Tesla Model 3", "Tesla Model Y"]);
});

test("a wrong password signs nobody in", async () => {
  const page = await visit();
  for (const [name, password] of [["Ada", "compiler"], ["Charles", "engine"]]) {
    await page.getByLabel("Name").fill(name);
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByText("That name and password don’t belong together.").waitFor();
    await settled(page);
  }
  assert.equal((await page.request.get(`${garage.page}app/token`)).status(), 401);
});

test("a tab of Ada's, in which Grace has signed in elsewhere, does nothing for Ada any more", async () => {
  const ada = await visit();
  await signIn(ada, "Ada");
  await connect(ada);
  const grace = await openTab(ada.context());
  await signOut(grace);
  await signIn(grace, "Grace");
  await lookAgain(ada);
  await ada.getByText("Signed in as Grace").waitFor();
  await settled(ada);
  assert.deepEqual(await carsOf(ada), []);
});

test("what Ada has asked for is not done as Grace", async () => {
  const context = await browser.newContext();
  context.setDefaultTimeout(PATIENCE_MS);
  const ada = await context.newPage();
  await ada.clock.install();
  await ada.goto(garage.page);
  await settled(ada);
  await signIn(ada, "Ada");
  const other = await openTab(context);
  await signOut(other);
  await signIn(other, "Grace");
  // The tab was in view all the while, and its token is over.
  await ada.clock.fastForward(6 * 60_000);
  await ada.evaluate(() => (globalThis.open = () => null));
  await ada.getByRole("button", { name: "Connect a car" }).click();
  await ada.getByText("Signed in as Grace").waitFor();
  assert.equal(ada.url(), garage.page, "it has not left for Connect");
});

test("a token for Ada that comes when Grace has signed in is not taken for Grace's", async () => {
  const first = await visit();
  await signIn(first, "Ada");
  await connect(first);

  const page = await visit();
  const answered = Promise.withResolvers();
  const held = [];
  await page.route("**/app/token", async (route) => {
    if (await page.locator("#account-name", { hasText: "Grace" }).count()) return route.continue();
    const answer = await route.fetch();
    held.push(answered.promise.then(() => route.fulfill({ response: answer })));
  });
  await page.getByLabel("Name").fill("Ada");
  await page.getByLabel("Password").fill(PASSWORDS.Ada);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByText("Signed in as Ada").waitFor();
  // For the connections, and for the vehicles.
  for (const end = Date.now() + PATIENCE_MS; held.length < 2 && Date.now() < end; ) await sleep(50);
  await signOut(page);
  await signIn(page, "Grace");

  const askedAs = new Set();
  page.on("request", (request) => {
    const [, claims] = (request.headers().authorization ?? "").split(".");
    if (claims) askedAs.add(JSON.parse(Buffer.from(claims, "base64url")).sub);
  });
  answered.resolve();
  await Promise.all(held);
  for (let look = 0; look < 3; look += 1) {
    await lookAgain(page);
    assert.deepEqual(await carsOf(page), []);
  }
  assert.deepEqual([...askedAs], [IDS.Grace]);
  assert.ok(await page.locator("#notice").isHidden(), "and Grace is told nothing of it");
});

test("a token is asked for anew as soon as either clock says that it is over", async () => {
  const page = await visit();
  await signIn(page, "Ada");
  let asked = 0;
  page.on("request", (request) => (asked += request.url().endsWith("/app/token") ? 1 : 0));
  await lookAgain(page);
  assert.equal(asked, 0, "it is good for minutes");
  // While a computer sleeps, the first goes on and the second stands still; the first can be set.
  for (const clock of ["Date", "performance"]) {
    asked = 0;
    await page.evaluate((name) => {
      const clock = globalThis[name];
      const now = clock.now.bind(clock);
      clock.now = () => now() + 6 * 60_000;
    }, clock);
    await lookAgain(page);
    assert.ok(asked > 0, clock);
  }
});

test("a log-in that has ended elsewhere leaves nothing on the page", async () => {
  const page = await visit();
  await signIn(page, "Ada");
  await connect(page);
  await page.context().clearCookies({ name: /^garage-/ });
  await lookAgain(page);
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await settled(page);
  assert.deepEqual(await carsOf(page), []);
});

test("what a visitor has connected comes along into the account of whoever says that it is theirs", async () => {
  const page = await visit();
  await connect(page, "Volkswagen");
  assert.deepEqual(await carsOf(page), ["Volkswagen ID.4"]);
  await signIn(page, "Grace");
  assert.deepEqual(await carsOf(page), [], "it was not said to be Grace's");

  const other = await visit();
  await connect(other, "Volkswagen");
  await other.getByLabel("These cars are mine").check();
  await signIn(other, "Ada");
  assert.deepEqual(await carsOf(other), ["Volkswagen ID.4"]);
  const { vehicles } = await asService(IDS.Ada, "GET", "/vehicles");
  assert.deepEqual(vehicles.map(({ model }) => model), ["ID.4"]);
  await signOut(other);
  assert.deepEqual(await carsOf(other), []);
});

test("whoever says no at Connect is told so, and can go on", async () => {
  const page = await visit();
  await signIn(page, "Ada");
  await throughConnect(page, "Connect a car", async (popup) => {
    await logIn(popup);
    await decide(popup, "Deny");
  });
  await page.getByText("You didn’t give access, so nothing was connected.").waitFor();
  await connect(page);
  assert.equal((await carsOf(page)).length, 2);
});

test("where no window may open, the page itself goes to Connect and comes back", async () => {
  const page = await visit();
  await signIn(page, "Ada");
  await page.evaluate(() => (globalThis.open = () => null));
  await page.getByRole("button", { name: "Connect a car" }).click();
  await logIn(page);
  await decide(page, "Allow");
  await page.waitForURL(garage.page);
  await page.getByText("Connected. From now on").waitFor();
  await settled(page);
  assert.equal((await carsOf(page)).length, 2);
});

test("a car is disconnected after a question, together with the other one that was connected with it", async () => {
  const page = await visit();
  await signIn(page, "Ada");
  await connect(page);
  const disconnect = page.getByRole("button", { name: "Disconnect Tesla Model 3 and Tesla Model Y" });
  await disconnect.click();
  await page.getByRole("button", { name: "Keep" }).click();
  assert.equal((await asService(IDS.Ada, "GET", "/connections")).connections.length, 1);
  await disconnect.click();
  await page.getByRole("dialog").getByRole("button", { name: "Disconnect" }).click();
  await page.getByText("You have no cars yet.").waitFor();
  assert.deepEqual((await garage.control("GET", "/connections")).connections, [], "Smartcar was told");
});

test("what the app has written down about a car goes with it, and nothing that is another user's", async () => {
  const page = await visit();
  await signIn(page, "Ada");
  await connect(page);
  await garage.nightly();
  await garage.control("POST", `/vehicles/${MODEL_3}`, { needsReauthentication: true });
  await page.getByText("Tesla Model 3 needs you").first().waitFor();
  await garage.control("POST", `/vehicles/${MODEL_3}`, { needsReauthentication: false });
  const rows = (user) =>
    inDatabase((database) =>
      ["readings", "notes"].map((table) => database.prepare(`SELECT count(*) AS n FROM ${table} WHERE user = ? AND car IN (?, ?)`).get(user, MODEL_3, MODEL_Y).n),
    );
  inDatabase((database) => database.exec(`INSERT INTO readings (user, car, name, at) VALUES ('43', '${MODEL_3}', 'Tesla Model 3', 1)`));
  const ofGrace = rows(IDS.Grace);
  assert.ok(rows(IDS.Ada).every((count) => count > 0));

  const disconnect = async () => {
    await page.getByRole("button", { name: "Disconnect Tesla Model 3 and Tesla Model Y" }).click();
    await page.getByText("what this app has written down about it").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Disconnect" }).click();
  };
  await page.route("**/app/cars/**", (route) => route.fulfill({ status: 502 }), { times: 1 });
  await disconnect();
  await page.getByText("The app can’t be reached.").waitFor();
  await settled(page);
  assert.equal((await asService(IDS.Ada, "GET", "/connections")).connections.length, 1, "it can be tried again");
  await disconnect();
  await page.getByText("You have no cars yet.").waitFor();
  await settled(page);
  assert.deepEqual(rows(IDS.Ada), [0, 0]);
  assert.deepEqual(rows(IDS.Grace), ofGrace);
  for (const list of ["#notes", "#readings"]) assert.doesNotMatch(await page.locator(list).textContent(), /Tesla/);
});

test("Ada's tab, in which Grace has signed in elsewhere, disconnects nothing of Ada's", async () => {
  const ada = await visit();
  await signIn(ada, "Ada");
  await connect(ada);
  const grace = await openTab(ada.context());
  await signOut(grace);
  await signIn(grace, "Grace");
  await ada.getByRole("button", { name: /^Disconnect/ }).click();
  await ada.getByRole("dialog").getByRole("button", { name: "Disconnect" }).click();
  await ada.getByText("Signed in as Grace").waitFor();
  await settled(ada);
  assert.equal((await asService(IDS.Ada, "GET", "/connections")).connections.length, 1);
});

test("a car of which Smartcar has not said what it is has a name all the same", async () => {
  for (const side of ["page", "server"]) {
    const { nameOf } = await import(pathToFileURL(join(garage.folder, side, "words.js")));
    const names = [{}, { make: null, model: null }, { make: "TESLA" }, { model: "i3" }, { make: "BMW", model: "i3" }].map(nameOf);
    assert.deepEqual(names, ["Your car", "Your car", "Tesla", "i3", "BMW i3"], side);
  }
  const page = await visit();
  await page.route("**/smartcar/vehicles", async (route) => {
    const response = await route.fetch();
    const { vehicles } = await response.json();
    await route.fulfill({ response, json: { vehicles: vehicles.map(({ make: _make, model: _model, year: _year, ...vehicle }) => vehicle) } });
  });
  await signIn(page, "Ada");
  await connect(page, "Volkswagen");
  assert.deepEqual(await carsOf(page), ["Your car"]);
  await page.getByRole("button", { name: "Disconnect Your car" }).waitFor();
  assert.doesNotMatch(await page.locator("#connections").innerHTML(), /undefined|null/);
});

test("by night every car is written down, one that fails keeps no other waiting, and a limit is obeyed", async () => {
  const [ada, grace] = [await visit(), await visit()];
  await signIn(ada, "Ada");
  await signIn(grace, "Grace");
  await connect(ada);
  await connect(grace, "Volkswagen");
  // The pages ask no more.
  for (const [page, car] of [[ada, "Tesla Model 3"], [ada, "Tesla Model Y"], [grace, "Volkswagen ID.4"]]) await figuresOf(page, car);
  // The first car that is asked can't be read at all, and then Smartcar wants a pause.
  await garage.control("POST", "/fault", { endpoint: "odometer", kind: "api_error", error: "VEHICLE_STATE/ASLEEP" });
  await garage.control("POST", "/fault", { endpoint: "battery", kind: "api_error", error: "VEHICLE_STATE/ASLEEP" });
  const limit = { status: 429, headers: { "retry-after": "1" }, body: { type: "RATE_LIMIT", code: "VEHICLE", statusCode: 429 } };
  await garage.control("POST", "/fault", { endpoint: "odometer", kind: "status", ...limit });
  const { code, stdout, stderr } = await garage.nightly();
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^Ada: Tesla Model 3 Smartcar answered `VEHICLE_STATE`/m);
  for (const car of ["Ada: Tesla Model Y", "Grace: Volkswagen ID.4"]) assert.match(stdout, new RegExp(`^${car} is written down$`, "m"));
  const { requests } = await garage.control("GET", "/requests");
  const asked = requests.filter(({ endpoint, path }) => endpoint === "odometer" && path.includes(MODEL_Y)).slice(-2);
  assert.deepEqual(asked.map(({ status }) => status), [429, 200]);
  assert.ok(asked[1].at - asked[0].at >= 1000, "no sooner than Smartcar has said");

  const logbook = (page) => page.locator("#readings .list").textContent();
  for (const page of [ada, grace]) {
    await page.reload();
    await settled(page);
  }
  assert.match(words(await logbook(ada)), /^Tesla Model Y.*64% · 18,350 km/);
  assert.match(words(await logbook(grace)), /^Volkswagen ID\.4.*64% · 42,911 km/);
  assert.doesNotMatch(await logbook(ada), /Volkswagen/);
});

test("by night a car that the database does not take keeps no other waiting, and cron hears of it", async (t) => {
  const page = await visit();
  await signIn(page, "Ada");
  await connect(page);
  inDatabase((database) =>
    database.exec("CREATE TRIGGER refuse BEFORE INSERT ON readings WHEN NEW.name = 'Tesla Model 3' BEGIN SELECT RAISE(ABORT, 'no room'); END"),
  );
  t.after(() => inDatabase((database) => database.exec("DROP TRIGGER refuse")));
  const { code, stdout } = await garage.nightly();
  assert.match(stdout, /^Ada: Tesla Model 3 could not be written down: no room$/m);
  assert.match(stdout, /^Ada: Tesla Model Y is written down$/m);
  assert.equal(code, 1);
});

test("by night a grant turns out to be over: the open page says so, and leads to the way back", async () => {
  const page = await visit();
  await signIn(page, "Ada");
  await connect(page, "Volkswagen");
  await figuresOf(page, "Volkswagen ID.4");
  const notes = page.locator("#notes .list li");
  await garage.control("POST", "/clock", { advanceMs: 3 * HOUR_MS });
  await garage.control("POST", "/fault", { endpoint: "refresh", kind: "status", status: 400, body: { error: "invalid_grant" } });
  const night = await garage.nightly();
  assert.match(night.stdout, /^Ada: Volkswagen ID\.4 has to be connected again$/m, night.stderr);
  const ended = notes.filter({ hasText: "Volkswagen ID.4 can’t be read any more" });
  await ended.waitFor();
  await page.getByText("The access has ended: please reconnect").waitFor();
  await garage.nightly();
  await page.reload();
  await settled(page);
  assert.equal(await ended.count(), 1, "it is not said again every night");

  await connect(page, "Volkswagen", /^Reconnect/);
  assert.match(words(await figuresOf(page, "Volkswagen ID.4")), /Battery 64%/);
  assert.deepEqual(await carsOf(page), ["Volkswagen ID.4"], "the new connection has taken the car over");
  await ended.getByText("Done").waitFor();
  await garage.nightly();
  await notes.filter({ hasText: "Volkswagen ID.4 can be read again." }).waitFor();
});

test("a webhook arrives, the open page of the owner says that the car needs her, and she logs in again", async () => {
  const [ada, grace] = [await visit(), await visit()];
  await signIn(ada, "Ada");
  await signIn(grace, "Grace");
  await connect(ada);
  await garage.control("POST", `/vehicles/${MODEL_3}`, { needsReauthentication: true });
  await ada.getByText("Tesla Model 3 needs you").waitFor();
  await ada.getByText("Needs you: please reconnect").waitFor();
  assert.match(words(await figuresOf(ada, "Tesla Model Y")), /Battery 64%/, "the other one goes on");
  await logInAgain(ada, /^Reconnect/);
  await ada.getByText("Thank you for logging in.").waitFor();
  assert.match(words(await figuresOf(ada, "Tesla Model 3")), /Battery 64%/);
  await ada.locator(".state", { hasText: /^Connected$/ }).waitFor();
  await grace.reload();
  await settled(grace);
  assert.doesNotMatch(await grace.locator("#notes").textContent(), /Tesla/);
});

test("an event counts once, and only with the Worker's signature", async () => {
  const require = createRequire(join(garage.folder, "package.json"));
  const { Webhook } = await import(pathToFileURL(require.resolve("standardwebhooks")));
  const event = { eventType: "VEHICLE_ERROR", data: { vehicle: { id: "car", make: "BMW", model: "i3" }, errors: [{ state: "ERROR", resolution: { type: "REAUTHENTICATE" } }] } };
  const body = JSON.stringify({ id: "msg_1", type: "smartcar.vehicle_error", data: { principals: ["user:43", "anonymous:0"], event } });
  const send = (secret, text = body) => {
    const now = new Date();
    const headers = {
      "content-type": "application/json",
      "webhook-id": "msg_1",
      "webhook-timestamp": String(Math.floor(now / 1000)),
      "webhook-signature": new Webhook(secret).sign("msg_1", now, body),
    };
    return fetch(`http://localhost:${garage.app.PORT}/app/events`, { method: "POST", headers, body: text });
  };
  assert.equal((await send(`whsec_${Buffer.alloc(32).toString("base64")}`)).status, 401);
  assert.equal((await send(garage.app.WEBHOOK_SECRET, body.replace("43", "42"))).status, 401);
  assert.deepEqual([(await send(garage.app.WEBHOOK_SECRET)).status, (await send(garage.app.WEBHOOK_SECRET)).status], [204, 204]);
  const page = await visit();
  await signIn(page, "Grace");
  await page.getByText("BMW i3 needs you").waitFor();
  assert.equal(await page.getByText("BMW i3 needs you").count(), 1);
  await signOut(page);
  await signIn(page, "Ada");
  assert.equal(await page.getByText("BMW i3 needs you").count(), 0);
});

for (const [name, viewport, colorScheme] of [
  ["wide and light", { width: 1100, height: 800 }, "light"],
  ["narrow and dark", { width: 340, height: 740 }, "dark"],
]) {
  test(`the page is accessible in each state, ${name}`, async () => {
    const page = await visit(garage.page, { viewport, colorScheme, reducedMotion: "reduce" });
    const check = async (state) => {
      assert.deepEqual(await violations(page), [], state);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(overflow, 0, `${state} sticks out`);
    };
    await check("signed out");
    await connect(page);
    await check("a visitor with cars");
    await page.getByLabel("These cars are mine").check();
    await signIn(page, "Ada");
    for (const car of ["Tesla Model 3", "Tesla Model Y"]) await figuresOf(page, car);
    await check("signed in, with cars");
    await page.getByRole("button", { name: /^Disconnect/ }).click();
    await check("the question");
    await page.getByRole("button", { name: "Keep" }).click();
    await garage.control("POST", "/clock", { advanceMs: 3 * HOUR_MS });
    await garage.control("POST", "/fault", { endpoint: "refresh", kind: "status", status: 400, body: { error: "invalid_grant" } });
    await garage.nightly();
    await page.getByText("The access has ended: please reconnect").waitFor();
    await check("a grant that is over, and notes");
    await page.route("**/smartcar/**", (route) => route.abort());
    await page.reload();
    await page.locator(".notice:not([hidden])").waitFor();
    await check("the Worker out of reach");
  });
}

test("the built page works under the policy of the back end, where a route leads to the Worker", async (t) => {
  await run(garage.folder, "npm", ["run", "build"], { env: environment() });
  const origin = await freePort();
  // The tokens are those that the Worker is set up for.
  const backEnd = await startBackEnd(t, { settings: { DATABASE: "data/built.db" } });
  const route = createServer((request, response) => {
    const { hostname, port: to } = new URL(request.url.startsWith("/smartcar/") ? garage.app.WORKER : backEnd.address);
    const { method, headers, url: path } = request;
    const passed = httpRequest({ hostname, port: to, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    passed.on("error", () => response.writeHead(502).end());
    request.pipe(passed);
  });
  await new Promise((resolve) => route.listen(origin, "localhost", resolve));
  t.after(() => new Promise((resolve) => route.close(resolve).closeAllConnections()));
  const address = `http://localhost:${origin}/`;
  const { redirectUris } = await garage.control("GET", "/config");
  await garage.control("POST", "/config", { redirectUris: [...redirectUris, address] });
  assert.match((await fetch(address)).headers.get("content-security-policy"), /script-src 'self' 'wasm-unsafe-eval'/);
  const page = await visit(address);
  const refused = [];
  page.on("console", (message) => /Content Security Policy/.test(message.text()) && refused.push(message.text()));
  await signIn(page, "Ada");
  await connect(page);
  assert.match(words(await figuresOf(page, "Tesla Model 3")), /Battery 64%/);
  assert.deepEqual(refused, []);
});

test("what the back end can't do it says in words, and no more than that, also without NODE_ENV", async (t) => {
  const backEnd = await startBackEnd(t, { settings: { ORIGIN: "https://app.example.com", DATABASE: "data/proxied.db" } });
  const ask = async (path, { method = "GET", headers = {}, body } = {}) => {
    const answer = await fetch(`${backEnd.address}${path}`, { method, headers: { "content-type": "application/json", ...headers }, body });
    return { status: answer.status, text: await answer.text(), cookie: answer.headers.get("set-cookie") };
  };
  const refused = async (status, ...request) => {
    const answer = await ask(...request);
    assert.equal(answer.status, status, answer.text);
    const said = JSON.parse(answer.text);
    assert.deepEqual(Object.keys(said), ["error"]);
    assert.doesNotMatch(said.error, /node_modules|file:|\bJSON\b|position|a detail/, "nothing of its insides");
    return said.error;
  };
  await refused(400, "/app/session", { method: "POST", body: "{" });
  await refused(413, "/app/session", { method: "POST", body: JSON.stringify({ name: "A".repeat(200_000) }) });
  await refused(404, "/app/nothing");
  await refused(400, "/app/cars/%", { method: "DELETE" });

  const logIn = { method: "POST", body: JSON.stringify({ name: "Ada", password: "engine" }) };
  // A browser would not get the cookie: it is for https only.
  assert.match(await refused(500, "/app/session", logIn), /X-Forwarded-Proto: https/);
  const signedIn = await ask("/app/session", { ...logIn, headers: { "x-forwarded-proto": "https" } });
  assert.equal(signedIn.status, 200, signedIn.text);
  assert.match(signedIn.cookie, /^__Host-garage=.*; Secure/);

  inDatabase((database) => {
    database.exec("INSERT INTO notes (user, car, kind, text, at) VALUES ('42', 'car', 'well', '', 1)");
    database.exec("CREATE TRIGGER refuse BEFORE DELETE ON notes BEGIN SELECT RAISE(ABORT, 'a detail'); END");
  }, "proxied.db");
  const cookie = signedIn.cookie.split(";")[0];
  await refused(500, "/app/cars/car?user=42", { method: "DELETE", headers: { cookie, "x-forwarded-proto": "https" } });
  assert.match(backEnd.said(), /a detail/, "whoever runs it reads it in the log");
  await refused(409, "/app/cars/car?user=43", { method: "DELETE", headers: { cookie, "x-forwarded-proto": "https" } });
  await refused(401, "/app/cars/car?user=42", { method: "DELETE" });
});

test("the Worker is bound as the template's", async () => {
  const read = async (file) => JSON.parse((await readFile(join(ROOT, file), "utf8")).replace(/^\s*\/\/.*$/gm, ""));
  const [{ vars: _own, name: _its, ...example }, { vars: _any, name: _other, ...template }] = await Promise.all(
    ["examples/garage/wrangler.jsonc", "pkg-template/template/wrangler.jsonc"].map(read),
  );
  assert.deepEqual(example, template);
});

test("the settings are good, and wrangler would deploy the Worker", async () => {
  const options = { cwd: garage.folder, env: environment() };
  const doctor = await ended(process.execPath, ["node_modules/smartcar-connect/cli/main.js", "doctor", "--local"], options);
  assert.equal(doctor.code, 0, doctor.stdout + doctor.stderr);
  const deployed = await ended(process.execPath, ["node_modules/wrangler/bin/wrangler.js", "deploy", "--dry-run"], options);
  assert.equal(deployed.code, 0, deployed.stdout + deployed.stderr);
  assert.match(deployed.stdout, /env\.VAULT \(Vault\)/);
});

test("no token, code or secret of Smartcar's is in what the app keeps or says; and it all ends at once", async () => {
  const { secrets } = await garage.control("GET", "/secrets");
  await garage.stop();
  const kept = await run(garage.folder, "cat", ["data/garage.db"], { encoding: "latin1", maxBuffer: 64 * 1024 * 1024 });
  assert.ok(secrets.length > 10);
  for (const secret of secrets) assert.ok(!kept.stdout.includes(secret) && !garage.said().includes(secret), secret);
  for (const address of [garage.page, garage.app.WORKER, garage.simulator]) await assert.rejects(fetch(address), address);
});
