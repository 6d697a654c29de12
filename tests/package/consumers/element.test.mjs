// The example with the element, in two languages and in a window of its own.
import assert from "node:assert/strict";
import { before, test } from "node:test";

import { violations } from "../../edge/harness/axe.mjs";
import { decide, logIn } from "../../edge/harness/owner.mjs";
import { backend, withoutNames } from "../support/example.mjs";
import { openPage } from "../support/pages.mjs";
import { built, example, served } from "../support/project.mjs";

let folder;
before(async () => {
  folder = await example("element");
});

const cars = (page) => page.getByRole("listitem").filter({ hasText: "Tesla" });

async function assertConnects(t, { origin }) {
  const page = await openPage(t, `${origin}/`);
  assert.deepEqual(await violations(page), []);
  await page.getByRole("button", { name: "Connect your car" }).click();
  await logIn(page);
  await decide(page, "Allow");
  await cars(page).first().waitFor();
  assert.equal(await page.getByRole("status").textContent(), "✓");
  assert.equal(page.url(), `${origin}/`);

  const [popup] = await Promise.all([page.waitForEvent("popup"), page.getByRole("button", { name: "In a window" }).click()]);
  await logIn(popup);
  await Promise.all([popup.waitForEvent("close"), decide(popup, "Deny")]);
  await page.getByRole("status").filter({ hasText: "access_denied" }).waitFor();

  await withoutNames(page, `${origin}/`, "Your car ✕");
  await page.goto(`${origin}/de.html`);
  await cars(page).first().waitFor();
  assert.deepEqual(await violations(page), []);
  await page.getByRole("button", { name: "Auto verbinden" }).click();
  await logIn(page);
  await decide(page, "Deny");
  await page.getByRole("status").filter({ hasText: "access_denied" }).waitFor();
  assert.equal(page.url(), `${origin}/de.html`);
  const goodbye = page.getByRole("button", { name: /^Trennen/ }).first();
  await page.route("**/smartcar/connections/*", (route) => route.abort());
  await goodbye.click();
  await page.getByRole("status").filter({ hasText: "no answer from" }).waitFor();
  assert.ok(await goodbye.isEnabled(), "it can be tried again");
  await page.unroute("**/smartcar/connections/*");
  await goodbye.click();
  await cars(page).first().waitFor({ state: "detached" });
}

test("vite build, and what it builds", async (t) => {
  await built(folder, "vite", ["build"]);
  const there = await backend(t, ["/", "/de.html"]);
  await served(t, folder, "vite", (port) => ["preview", "--port", port], there);
  await assertConnects(t, there);
});

test("npm run dev", async (t) => {
  const there = await backend(t, ["/", "/de.html"]);
  await served(t, folder, "vite", (port) => ["dev", "--port", port], there);
  await assertConnects(t, there);
});
