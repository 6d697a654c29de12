// An owner's way through an app with a router: to Connect and back, to another view and back again. The page has the links
// "Cars" and "Settings" and the button "Connect your car", counts in `globalThis.mounted` how often its view of the cars was
// mounted, and puts what `finish` returns into an `<output>`. Smartcar and the Worker are answers that the browser is given.
import assert from "node:assert/strict";

import { openPage } from "./pages.mjs";

const CONNECT = "https://connect.smartcar.com";
const CODE = "0f2c1a58-2a5e-4a1c-9f67-5d8a0f3b9c11";
const ID = "36ab27d0-fd9d-4455-823a-ce30af709ffc";
const SINCE = 1_790_000_000_000;
const CONNECTION = {
  id: ID,
  status: "active",
  cause: null,
  since: SINCE,
  vehicles: [{ id: ID }],
  connectedAt: SINCE,
  accessExpiresAt: SINCE,
  refreshExpiresAt: SINCE,
};

/** What the Worker answers, by the first word of the path below `/connect/`. */
export const answers = () => ({
  start: {
    applicationId: "11111111-2222-4333-8444-555555555555",
    connectOrigin: CONNECT,
    externalId: "0".repeat(22),
    expiresAt: Date.now() + 600_000,
    session: "resumed",
  },
  attempts: { status: "pending" },
  finish: { kind: "connected", connection: CONNECTION },
});

/** Goes that way from `origin`, whose view of the cars is mounted `mounts` times in a row whenever it is shown. */
export async function assertJourney(t, origin, mounts) {
  // A server for developers compiles a page when it is first asked for, and may load those that are open again: a click in between is lost.
  for (const path of ["/cars", "/settings"]) await (await fetch(origin + path)).text();
  const said = [];
  const page = await openPage(t, `${origin}/settings`, said);
  const asked = { start: 0, attempts: 0, finish: 0, wasm: 0 };
  page.on("request", (request) => {
    if (new URL(request.url()).pathname.endsWith(".wasm")) asked.wasm += 1;
  });
  await page.route("**/smartcar/connect/**", (route) => {
    const [, name] = /\/connect\/(\w+)/.exec(new URL(route.request().url()).pathname);
    asked[name] += 1;
    return route.fulfill({ json: answers()[name] });
  });
  let state;
  await page.route(`${CONNECT}/**`, (route) => {
    const query = new URL(route.request().url()).searchParams;
    state = query.get("state");
    const callback = `${query.get("redirect_uri")}?${new URLSearchParams({ code: CODE, state })}`;
    return route.fulfill({ contentType: "text/html", body: `<a href="${callback.replaceAll("&", "&amp;")}">Allow</a>` });
  });

  // A page that only asks whether there is a callback.
  await page.getByRole("link", { name: "Cars" }).click();
  await page.waitForFunction((mounts) => globalThis.mounted === mounts, mounts);
  // It may still do so when it has compiled what the page asked for.
  await page.waitForLoadState("networkidle");
  await page.waitForFunction((mounts) => globalThis.mounted === mounts, mounts);
  assert.deepEqual(asked, { start: 0, attempts: 0, finish: 0, wasm: 0 });

  await page.getByRole("button", { name: "Connect your car" }).click();
  await page
    .getByRole("link", { name: "Allow" })
    .click()
    .catch((error) => assert.fail(`${error.message}\n${page.url()}\n${said.join("\n")}`));
  await page.locator("output", { hasText: /./ }).waitFor();
  assert.equal(await page.locator("output").textContent(), "connected", said.join("\n"));
  assert.equal(await page.evaluate(() => globalThis.mounted), mounts);

  const assertClean = async (path) => {
    await page.waitForURL(`${origin}${path}`);
    const kept = JSON.stringify(await page.evaluate(() => [location.href, history.state]));
    for (const secret of [CODE, state]) assert.ok(!kept.includes(secret), kept);
  };
  await assertClean("/cars");
  await page.getByRole("link", { name: "Settings" }).click();
  await page.getByRole("heading", { name: "Settings" }).waitFor();
  await assertClean("/settings");
  for (const way of ["goBack", "goForward", "goBack", "reload"]) {
    await page[way]();
    await page.getByRole("heading", { name: way === "goForward" ? "Settings" : "Cars" }).waitFor();
    await assertClean(way === "goForward" ? "/settings" : "/cars");
  }
  assert.equal(await page.locator("output").textContent(), "");
  assert.ok(asked.wasm > 0, "the module was seen on its way");
  assert.deepEqual([asked.start, asked.finish], [1, 1]);
}
