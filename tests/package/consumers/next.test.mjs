// Next, with both of its bundlers and no configuration: components of the server and of the browser, and its router. In
// development Next has StrictMode on, and every component is mounted twice.
import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";

import { answers, assertJourney } from "../support/journey.mjs";
import { assertWorks } from "../support/outcome.mjs";
import { openPage, resultOf } from "../support/pages.mjs";
import { built, project, served } from "../support/project.mjs";

let folder;
before(async () => {
  folder = await project("next");
});

async function assertServes(t, origin) {
  const page = await openPage(t, `${origin}/`);
  assert.match(await page.locator("#server").textContent(), /^smartcar-connect\.[\w-]{43} true$/);
  assertWorks(await resultOf(t, `${origin}/client`));
}

/** An effect that runs twice finishes once: both calls have the outcome, and the Worker is asked once. */
async function assertFinishesOnce(t, address) {
  const page = await openPage(t, address);
  const asked = [];
  const answering = { ...answers(), finish: { kind: "access_denied" } };
  await page.route("**/smartcar/connect/**", (route) => {
    const [, name] = /\/connect\/(\w+)/.exec(route.request().url());
    asked.push(name);
    return route.fulfill({ json: answering[name] });
  });
  await page.waitForFunction(() => globalThis.start);
  const { url } = await page.evaluate(() => globalThis.start({ navigate: false }));
  const state = new URL(url).searchParams.get("state");
  await page.goto(`${address}?error=access_denied&state=${state}`);
  await page.waitForFunction(() => globalThis.outcomes?.length === 2);
  assert.deepEqual(await page.evaluate(() => globalThis.outcomes), ["access_denied", "access_denied"]);
  assert.deepEqual(asked.filter((name) => name === "finish"), ["finish"]);
  assert.equal(page.url(), address);
}

/** The provider in a component of the server: rendered there, taken over as it is, and a callback is finished once. */
async function assertProvides(t, address) {
  const rendered = await fetch(address).then((answer) => answer.text());
  assert.match(rendered, /not known yet/);
  const said = [];
  const page = await openPage(t, "about:blank", said);
  const asked = [];
  const answering = { ...answers(), connections: { connections: [] }, finish: { kind: "access_denied" } };
  await page.route("**/smartcar/**", (route) => {
    const [, name] = /\/smartcar\/(?:connect\/)?(\w+)/.exec(route.request().url());
    asked.push(name);
    return route.fulfill({ json: answering[name] });
  });
  await page.route("https://connect.smartcar.com/**", (route) => {
    const state = new URL(route.request().url()).searchParams.get("state");
    return route.fulfill({ status: 302, headers: { location: `${address}?error=access_denied&state=${state}` } });
  });
  await page.goto(address);
  await page.locator("#known", { hasText: "0 connections" }).waitFor();
  await page.getByRole("button", { name: "Connect your car" }).click();
  await page.locator("output", { hasText: "access_denied" }).waitFor();
  assert.equal(asked.filter((name) => name === "finish").length, 1);
  assert.equal(page.url(), address);
  assert.deepEqual(said.filter((line) => /hydrat/i.test(line)), []);
}

for (const bundler of ["--turbopack", "--webpack"]) {
  test(`next build ${bundler}, and what it builds`, async (t) => {
    await rm(join(folder, ".next"), { recursive: true, force: true });
    await built(folder, "next", ["build", bundler]);
    const origin = await served(t, folder, "next", (port) => ["start", "--port", port]);
    await assertServes(t, origin);
    await assertProvides(t, `${origin}/provided`);
    await assertJourney(t, origin, 1);
  });

  test(`next dev ${bundler}`, async (t) => {
    await rm(join(folder, ".next"), { recursive: true, force: true });
    const origin = await served(t, folder, "next", (port) => ["dev", bundler, "--port", port]);
    await assertServes(t, origin);
    await assertFinishesOnce(t, `${origin}/strict`);
    await assertProvides(t, `${origin}/provided`);
    await assertJourney(t, origin, 2);
  });
}
