// A user of the app's own in real Chromium: connects on one browser, sees the car on another, and nobody else does. The app's
// log-in keeps its token in a cookie that no script can read.
import assert from "node:assert/strict";
import { after, afterEach, beforeEach, test } from "node:test";

import { openDemo } from "../harness/demo.mjs";
import { AUDIENCE, ISSUER, newKey, startLogIn, tokenFor } from "../harness/log-in.mjs";
import { decide, goToConnect, logIn, noticeOf, settled } from "../harness/owner.mjs";
import { SERVICE_KEY } from "../harness/settings.mjs";
import { User } from "../harness/user.mjs";

const COOKIE = "__Host-app-token";
const key = newKey("RS256");
const appLogIn = await startLogIn();
appLogIn.publish("/keys", key.jwk);
const demo = await openDemo({
  adjust: (values) => ({
    ...values,
    JWT_ISSUER: ISSUER,
    JWT_AUDIENCE: AUDIENCE,
    JWT_JWKS_URL: appLogIn.url("/keys"),
    JWT_COOKIE: COOKIE,
  }),
});
const { env, simulator, home } = demo;
after(async () => {
  await demo.close();
  await appLogIn.close();
});
beforeEach(() => demo.reset());
afterEach(() => demo.closeProfiles());

/** Gives the browser a token, as the app's log-in does. */
function keepToken(context, token) {
  const attributes = { url: home.replace("http:", "https:"), httpOnly: true, secure: true, sameSite: "Lax" };
  return context.addCookies([{ name: COOKIE, value: token, ...attributes }]);
}

/** A browser in which this user is logged in to the app, or nobody. */
async function browserOf(sub) {
  const context = await demo.newContext();
  if (sub) await keepToken(context, tokenFor(key, sub));
  const page = await context.newPage();
  await page.goto(home);
  await settled(page, home);
  return { context, page };
}

/** The owner connects the cars of one brand. */
async function connect(page) {
  await goToConnect(page, simulator);
  await logIn(page);
  await decide(page, "Allow");
  assert.equal(await noticeOf(page), "connected");
  await settled(page, home);
}

const cars = (page) => page.locator("#connections > li").count();

test("a user connects on one browser, sees the car on another, and logs out; another user sees nothing", async () => {
  const laptop = await browserOf("42");
  await connect(laptop.page);
  assert.equal(await cars(laptop.page), 1);
  const names = (await laptop.context.cookies()).map(({ name }) => name);
  assert.deepEqual(names, [COOKIE], "no session was opened");

  const phone = await browserOf("42");
  assert.equal(await cars(phone.page), 1);
  const stranger = await browserOf("43");
  assert.equal(await cars(stranger.page), 0);

  // By night the app's back end asks.
  const [{ id }] = await new User(env, tokenFor(key, "42")).connections();
  const token = await env.client().request("POST", "/internal/token", {
    headers: { "content-type": "application/json", authorization: `Bearer ${SERVICE_KEY}` },
    body: JSON.stringify({ principal: "user:42", connectionId: id }),
  });
  assert.equal(token.status, 200, token.text);

  await phone.context.clearCookies();
  await phone.page.reload();
  await settled(phone.page, home);
  assert.equal(await cars(phone.page), 0);
  await laptop.page.reload();
  await settled(laptop.page, home);
  assert.equal(await cars(laptop.page), 1);
});

test("a token that has lapsed is told to the page, which shows no one else's cars in its place", async () => {
  const visitor = await browserOf();
  await connect(visitor.page);
  await keepToken(visitor.context, tokenFor(key, "44", { claims: { exp: 1 } }));
  await visitor.page.reload();
  assert.equal(await noticeOf(visitor.page), "invalid_token");
  assert.equal(await cars(visitor.page), 0);
});
