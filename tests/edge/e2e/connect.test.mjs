// The whole flow in real Chromium, by each of Smartcar's versions: demo page, Connect at the simulator, back, vehicles.
import assert from "node:assert/strict";
import { test } from "node:test";

import { storageOf } from "../harness/browser.mjs";
import { mintState } from "../harness/client.mjs";
import { decide, goToConnect, logIn, noticeOf, settled, simulateOutcome } from "../harness/owner.mjs";
import { scannerFor } from "../harness/secrets.mjs";
import { sessionCookieAt } from "../harness/settings.mjs";
import { MINUTE } from "../harness/spans.mjs";
import { byEachVersion } from "../harness/versions.mjs";

/** Headers and body, read at once: the next navigation takes them away. */
async function contentOf(response) {
  const body = await response.body().catch(() => Buffer.alloc(0));
  // Of a page that is closed meanwhile nothing more is to be had.
  const headers = await response.headersArray().catch(() => []);
  return { source: new URL(response.url()).pathname, content: `${JSON.stringify(headers)}\n${body.toString("latin1")}` };
}

function withParameters(url, parameters) {
  const changed = new URL(url);
  changed.search = new URLSearchParams(parameters);
  return changed;
}

byEachVersion(({ name, finishesOf }, opened) => {
  /** A new profile on the demo page. What the Worker answered and the page complained of is kept. */
  async function newProfile() {
    const context = await opened().newContext();
    const page = await context.newPage();
    const answers = [];
    const complaints = [];
    page.on("response", (response) => {
      if (response.url().startsWith(opened().edge.origin)) answers.push(contentOf(response));
    });
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    await page.goto(opened().home);
    await settled(page, opened().home);
    return { context, page, answers, complaints };
  }

  /** Lets the owner consent, and keeps the browser from going back: returns the callback's address, not yet opened. */
  async function interceptedCallback(page) {
    await goToConnect(page, opened().simulator);
    await logIn(page);
    let callback;
    await page.route(`${opened().simulator.origin}/connect/*/consent`, async (route) => {
      const answer = await route.fetch({ maxRedirects: 0 });
      callback = answer.headers().location;
      await route.fulfill({ status: 200, body: "the owner has consented" });
    });
    await decide(page, "Allow");
    await page.getByText("the owner has consented").waitFor();
    return new URL(callback);
  }

  /** How often Smartcar was asked for what a callback brings. */
  const finishes = async () => (await finishesOf(opened().simulator)).length;

  /** Opens `url`; the page says `code`, and Smartcar hears nothing. */
  async function refused(page, url, code) {
    const before = await finishes();
    await page.goto(String(url));
    assert.equal(await noticeOf(page), code);
    await settled(page, opened().home);
    assert.equal(await finishes(), before, "an upstream call was made");
    assert.equal(await page.locator("#connections > li").count(), 0);
  }

  test("an owner connects, sees the cars, and still sees them after a reload", async () => {
    const { context, page, answers, complaints } = await newProfile();
    const { authorize } = await goToConnect(page, opened().simulator);
    assert.equal(authorize.searchParams.get("redirect_uri"), opened().home);
    await logIn(page);
    await decide(page, "Allow");
    assert.equal(await noticeOf(page), "connected");
    await settled(page, opened().home);

    for (const again of [false, true]) {
      if (again) await page.reload();
      await page.getByRole("heading", { name: "TESLA Model 3" }).waitFor();
      await page.getByRole("heading", { name: "TESLA Model Y" }).waitFor();
      assert.equal(await page.locator("#connections > li").getAttribute("data-status"), "active");
    }
    assert.equal(await finishes(), 1);
    assert.deepEqual(complaints, []);

    const [cookie, ...others] = await context.cookies();
    assert.deepEqual(others, []);
    assert.equal(cookie.name, sessionCookieAt(opened().home));
    assert.deepEqual([cookie.httpOnly, cookie.secure, cookie.sameSite, cookie.path], [true, true, "Strict", "/"]);

    const scan = scannerFor([...(await opened().simulator.secrets()), authorize.searchParams.get("state")]);
    const contents = await Promise.all(answers);
    assert.ok(contents.some(({ content }) => content.includes('"connected"')), "the finish was seen");
    for (const { source, content } of contents) assert.deepEqual(scan(source, content), []);
    assert.deepEqual(scan("storage", JSON.stringify(await storageOf(page))), []);
    assert.deepEqual(scan("page", await page.content()), []);
    assert.deepEqual(scan("log", await opened().env.log()), []);
  });

  test("neither Smartcar nor anybody else learns from which address the owner comes, and nothing keeps the page", async () => {
    const { page } = await newProfile();
    const requests = [];
    page.on("request", (request) => requests.push(request));
    const { state } = await goToConnect(page, opened().simulator);
    await logIn(page);
    await decide(page, "Allow");
    assert.equal(await noticeOf(page), "connected");
    await settled(page, opened().home);

    const isCallback = (request) => request.url().startsWith(opened().home) && request.url().includes(state);
    const arrived = requests.findIndex(isCallback);
    assert.ok(arrived > 0, "the callback was seen");
    // What the page asks for while the callback is in its address, and its own way to Connect.
    const own = [...requests.slice(arrived + 1), requests.find((request) => request.url().startsWith(`${opened().simulator.origin}/oauth/`))];
    assert.ok(own.length > 3);
    for (const request of own) assert.equal((await request.allHeaders()).referer, undefined, request.url());
    const kept = await (await requests[arrived].response()).allHeaders();
    assert.equal(kept["cache-control"], "no-store");
    assert.equal(kept["referrer-policy"], "no-referrer");
    assert.match(kept["content-security-policy"], /frame-ancestors 'none'/);
    assert.equal(kept["cross-origin-opener-policy"], "same-origin");
    assert.equal(kept["cross-origin-resource-policy"], "same-origin");
    assert.match(kept["strict-transport-security"], /^max-age=\d{8,}$/);
  });

  test("a refusal of consent is said in words, and nothing is connected", async () => {
    const { page } = await newProfile();
    await goToConnect(page, opened().simulator);
    await logIn(page);
    await decide(page, "Deny");
    assert.equal(await noticeOf(page), "access_denied");
    await settled(page, opened().home);
    assert.equal(await finishes(), 0);
    await page.getByRole("button", { name: "Connect your car" }).waitFor();
  });

  // Connect reports errors in the same way by both versions.
  const outcomes = [
    ["Vehicle is not compatible (vehicle named)", "vehicle_incompatible"],
    ["Application is configured wrongly", "configuration_error"],
    ["Manufacturer’s log-in was left (description without a key)", "oem_cancelled_login"],
    ["An error nobody knows yet", "unknown_error"],
  ];
  for (const [label, code] of name === "v2" ? outcomes : outcomes.slice(0, 1)) {
    test(`Connect's outcome "${label}" is said in words`, async () => {
      const { page } = await newProfile();
      await goToConnect(page, opened().simulator);
      await logIn(page);
      await simulateOutcome(page, label);
      assert.equal(await noticeOf(page), code);
      await settled(page, opened().home);
      assert.notEqual((await page.locator("#notice-title").textContent()).trim(), "");
      assert.equal(await finishes(), 0);
    });
  }

  test("a callback with a forged state is refused", async () => {
    const { page } = await newProfile();
    await goToConnect(page, opened().simulator);
    const forged = { code: "stolen", state: mintState().state };
    await refused(page, withParameters(opened().home, forged), "state_unknown");
  });

  test("a callback without its state connects nothing", async () => {
    const { page } = await newProfile();
    const callback = await interceptedCallback(page);
    callback.searchParams.delete("state");
    await page.goto(String(callback));
    await page.locator('body:not([data-view="busy"])').waitFor();
    assert.equal(await finishes(), 0);
    assert.equal(await page.locator("#connections > li").count(), 0);
  });

  test("a callback with an error and a forged state is not believed", async () => {
    const { page } = await newProfile();
    await goToConnect(page, opened().simulator);
    const forged = { error: "access_denied", error_description: "<b>x</b>", state: mintState().state };
    await refused(page, withParameters(opened().home, forged), "state_unknown");
  });

  test("a callback that was finished and turns up again has the same outcome, and its code is not used again", async () => {
    const { page } = await newProfile();
    const callback = await interceptedCallback(page);
    await page.goto(String(callback));
    assert.equal(await noticeOf(page), "connected");
    await page.goto(String(callback));
    assert.equal(await noticeOf(page), "connected");
    await settled(page, opened().home);
    assert.equal(await finishes(), 1);
    assert.equal(await page.locator("#connections > li").count(), 1);
  });

  test("a callback that comes after ten minutes by the Worker's clock is refused: it is expired", async () => {
    const { context, page } = await newProfile();
    const callback = await interceptedCallback(page);
    await opened().env.travel(9 * MINUTE);
    // A device whose clock is put right meanwhile has no say.
    await context.clock.setSystemTime(Date.now() + 11 * MINUTE);
    const other = await context.newPage();
    await other.goto(opened().home);
    const early = await interceptedCallback(other);
    await opened().env.travel(2 * MINUTE);
    await refused(page, callback, "state_expired");
    await page.goto(String(early));
    assert.equal(await noticeOf(page), "connected");
  });

  test("a callback with a repeated parameter is refused", async () => {
    const { page } = await newProfile();
    const callback = await interceptedCallback(page);
    callback.searchParams.append("code", "another");
    await refused(page, callback, "callback_repeated_parameter");
  });

  test("a second profile cannot use the first one's callback; the first one still can", async () => {
    const first = await newProfile();
    const callback = await interceptedCallback(first.page);

    const second = await newProfile();
    await refused(second.page, callback, "session_missing");

    // A script that could even copy the first one's storage meets the check of the Worker.
    const stored = await first.page.goto(opened().home).then(() => first.page.evaluate(() => Object.entries({ ...localStorage })));
    assert.ok(stored.some(([name]) => name.startsWith("smartcar-connect:attempt:")));
    for (const withSession of [false, true]) {
      const third = await newProfile();
      if (withSession) await goToConnect(third.page, opened().simulator).then(() => third.page.goto(opened().home));
      await third.page.evaluate((entries) => {
        for (const [name, value] of entries) localStorage.setItem(name, value);
      }, stored);
      await refused(third.page, callback, withSession ? "state_unknown" : "session_missing");
    }

    await first.page.goto(String(callback));
    assert.equal(await noticeOf(first.page), "connected");
    assert.equal(await finishes(), 1);
  });
});
