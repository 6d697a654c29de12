// One browser, two deployments on two ports of one host: the sessions do not overwrite each other.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { openBrowser } from "../harness/browser.mjs";
import { openEnv } from "../harness/env.mjs";
import { decide, goToConnect, logIn, noticeOf, settled } from "../harness/owner.mjs";

const envs = [await openEnv({ demo: true }), await openEnv({ demo: true })];
const browser = await openBrowser();
after(async () => {
  await browser.close();
  await Promise.all(envs.map((env) => env.close()));
});

test("a car that is connected at one port stays connected when another deployment is used", async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  for (const { redirectUri: home, simulator } of envs) {
    await page.goto(home);
    await settled(page, home);
    await goToConnect(page, simulator);
    await logIn(page);
    await decide(page, "Allow");
    assert.equal(await noticeOf(page), "connected");
  }
  assert.equal((await context.cookies()).length, 2);
  for (const { redirectUri: home } of envs) {
    await page.goto(home);
    await settled(page, home);
    assert.equal(await page.locator("#connections > li").count(), 1, home);
  }
});
