// A webhook of Smartcar's, from the maker's refusal to the owner's page, by each of Smartcar's versions: the Worker marks the car, the
// demo's back end is told, and the open page shows the way back.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";

import { violations } from "../harness/axe.mjs";
import { send } from "../harness/http.mjs";
import { runInboxAlarm } from "../harness/instrumented.mjs";
import { decide, noticeOf, settled } from "../harness/owner.mjs";
import { PREFIX } from "../harness/settings.mjs";
import { snap } from "../harness/snap.mjs";
import { MINUTE } from "../harness/spans.mjs";
import { until } from "../harness/until.mjs";
import { byEachVersion } from "../harness/versions.mjs";
import { SECRET, TOKEN } from "../harness/webhooks.mjs";

const ADJUST = (values) => ({
  ...values,
  SMARTCAR_MANAGEMENT_TOKEN: TOKEN,
  WEBHOOK_FORWARD_URL: `${values.ALLOWED_ORIGINS}/demo/events`,
  WEBHOOK_FORWARD_SECRET: SECRET,
});

/** Smartcar's webhooks come to the Worker. */
const reset = ({ simulator, edge }) =>
  simulator.configure({ webhookUrl: `${edge.origin}${PREFIX}/webhooks`, managementToken: TOKEN });

byEachVersion((_version, opened) => {
  /** Lets the alarms of all inboxes ring that are due. */
  async function ring() {
    for (const id of await opened().edge.inboxIds()) await runInboxAlarm(opened().edge, id).catch(() => {});
  }

  async function withCars(signIn) {
    const page = await (await opened().newContext()).newPage();
    await page.goto(opened().home);
    await settled(page, opened().home);
    if (signIn) {
      await page.getByRole("button", { name: `Sign in as ${signIn}` }).click();
      assert.equal(await noticeOf(page), "signed_in");
      await settled(page, opened().home);
    }
    await opened().connectCars(page);
    return page;
  }

  for (const who of [undefined, "Ada"]) {
    test(`the open page of ${who ?? "a visitor"} says that the car needs its owner, and leads to the way back`, async () => {
      const page = await withCars(who);
      const wanted = page.locator("#wanted");
      assert.equal(await wanted.isVisible(), false);
      await page.getByText("Let something happen to").click();
      await page.getByRole("button", { name: "Its maker wants a new log-in" }).click();
      await until("the page has heard of it", async () => {
        await ring();
        return wanted.isVisible();
      });
      assert.match(await wanted.textContent(), /One of your cars needs you.*The car maker wants you to log in again/s);
      assert.deepEqual(await violations(page), []);
      await snap(page, "wanted");
      await page.getByRole("button", { name: "Go to Smartcar" }).click();
      await page.getByLabel("E-mail").fill("owner@example.com");
      await page.getByLabel("Password").fill("any password");
      await page.getByRole("button", { name: "Log in" }).click();
      await decide(page, "Allow");
      assert.equal(await noticeOf(page), "reauthenticated");
      await settled(page, opened().home);
      assert.equal(await wanted.isVisible(), false);
    });
  }

  test("a car whose owner ends the access at Smartcar shows that on the page", async () => {
    const page = await withCars();
    await page.getByText("Let something happen to").click();
    const gone = await page.locator("#simulation-car").textContent();
    await page.getByRole("button", { name: "Its owner ends the access at Smartcar" }).click();
    await page.locator("#said").getByText("It has happened").waitFor({ state: "attached" });
    // The list of cars is not taken more often.
    await opened().env.travel(MINUTE);
    await page.reload();
    await settled(page, opened().home);
    await page.locator("#connections > li .age:not(:empty)").first().waitFor();
    await page.reload();
    await page.getByRole("heading", { name: gone, exact: true }).waitFor({ state: "detached" });
    await page.getByRole("heading", { name: /^TESLA/i }).waitFor();
  });

  test("a page that shows nobody's connection is told to ask no more", async () => {
    const headers = { "sec-fetch-site": "same-origin", cookie: "nobody=1" };
    const answer = await send(`${opened().edge.at(0)}/demo/news?connection=AQEBAQEBAQEBAQEBAQEBAQ`, { headers });
    assert.deepEqual([answer.status, answer.json()], [200, { count: null }]);
  });

  test("the back end takes nothing that is not signed, and lets nobody but its own page have something happen", async () => {
    const { edge } = opened();
    const events = `${edge.at(0)}/demo/events`;
    const headers = { "webhook-id": "msg_1", "webhook-timestamp": String(Math.floor(Date.now() / 1000)) };
    for (const signature of [undefined, "v1,", `v1,${randomBytes(32).toString("base64")}`, "v2,x"]) {
      const signed = signature === undefined ? {} : { "webhook-signature": signature };
      const answer = await send(events, { method: "POST", headers: { ...headers, ...signed }, body: "{}" });
      assert.equal(answer.status, 401);
    }
    const body = JSON.stringify({ what: "log-in", vehicle: "v" });
    const simulate = (site) =>
      send(`${edge.at(0)}/demo/simulate`, { method: "POST", headers: { "sec-fetch-site": site }, body });
    assert.equal((await simulate("cross-site")).status, 403);
    assert.equal((await simulate("same-origin")).status, 502, "the simulator knows no such car");
  });
}, { adjust: ADJUST, reset });
