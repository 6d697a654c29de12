// A whole connection in the browsers that are not Chromium, in which `tests/edge/e2e/` has all of it: to Connect and back, a
// reload in the middle, two tabs, and callbacks that belong to somebody else.
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";

import { mintState } from "../edge/harness/client.mjs";
import { until } from "../edge/harness/until.mjs";
import { openDeployment } from "./support/deployment.mjs";
import { openFirefox } from "./support/firefox.mjs";
import { arrived, assertNotice, connectCar, connectCarBy, countOf, openHome, settled, started } from "./support/owner.mjs";
import { openWebKit } from "./support/webkit.mjs";

// A browser has `newProfile()`, a profile `newPage()`; both and the browser have `close()`. A page has `goto`, `reload`,
// `evaluate`, and by XPath `click` and `fill`.
const BROWSERS = [
  { name: "Firefox", open: openFirefox, trustsLocalhost: true },
  { name: "WebKit", open: openWebKit, trustsLocalhost: false },
];

for (const { name, open, trustsLocalhost } of BROWSERS) {
  describe(name, () => {
    let browser;
    let deployment;
    const profiles = [];
    before(async () => {
      // Without TLS as on a developer's machine, where the browser keeps `Secure` cookies of localhost.
      [browser, deployment] = await Promise.all([open(), openDeployment(!trustsLocalhost)]);
    });
    after(() => Promise.all([browser?.close(), deployment?.close()]));
    beforeEach(() => deployment.simulator.reset());
    afterEach(() => Promise.all(profiles.splice(0).map((profile) => profile.close())));

    async function newProfile() {
      const profile = await browser.newProfile();
      profiles.push(profile);
      return profile;
    }

    async function opened(profile) {
      const page = await profile.newPage();
      await openHome(page, deployment.home);
      return page;
    }

    /** Opens a callback; the page says `code`, and Smartcar hears nothing. */
    async function assertRefused(page, callback, code) {
      const before = await deployment.tokenRequests();
      await page.goto(callback);
      await assertNotice(page, deployment.home, code);
      assert.equal(await deployment.tokenRequests(), before, "an upstream call was made");
      assert.equal(await countOf(page), 0);
    }

    test("an owner connects, and the car is still there after a reload", async () => {
      const page = await opened(await newProfile());
      await connectCar(page, deployment.simulator);
      await assertNotice(page, deployment.home, "connected");
      assert.equal(await countOf(page), 1);
      await page.reload();
      await settled(page, deployment.home);
      assert.equal(await countOf(page), 1);
      assert.equal(await deployment.tokenRequests(), 1);
      const kept = await page.evaluate(() => [document.cookie, JSON.stringify(history.state)]);
      assert.equal(kept[0], "", "no script reads the session");
      assert.doesNotMatch(String(kept[1]), /code=|state=/);
    });

    test("a page that is reloaded in the middle of a finish learns that it is connected", async () => {
      const page = await opened(await newProfile());
      const callback = await deployment.callback(await started(page));
      const release = deployment.gate.hold();
      try {
        await page.goto(callback);
        await until("the exchange is under way", () => deployment.gate.waiting() > 0);
        await page.reload();
      } finally {
        release();
      }
      await assertNotice(page, deployment.home, "connected");
      assert.equal(await deployment.tokenRequests(), 1);
    });

    test("two tabs start, and the callback of each connects in the other", async () => {
      const profile = await newProfile();
      const pages = [await opened(profile), await opened(profile)];
      const callbacks = [];
      for (const page of pages) callbacks.push(await deployment.callback(await started(page)));
      for (const [index, page] of pages.toReversed().entries()) {
        await page.goto(callbacks[index]);
        await assertNotice(page, deployment.home, "connected");
      }
      assert.equal(await deployment.tokenRequests(), 2);
    });

    test("a stolen callback is refused in another browser, with a session of its own too, and still connects in the first", async () => {
      const page = await opened(await newProfile());
      const callback = await deployment.callback(await started(page));
      const thief = await opened(await newProfile());
      await assertRefused(thief, callback, "session_missing");
      await started(thief);
      await assertRefused(thief, callback, "state_unknown");
      await page.goto(callback);
      await assertNotice(page, deployment.home, "connected");
      assert.equal(await deployment.tokenRequests(), 1);
    });

    test("a forged callback is refused", async () => {
      const page = await opened(await newProfile());
      await started(page);
      await assertRefused(page, await deployment.callback(mintState().state), "state_unknown");
    });

    test("a callback that is replayed exchanges nothing: here it has its outcome, elsewhere it is refused", async () => {
      const page = await opened(await newProfile());
      const state = await started(page);
      const callback = await deployment.callback(state);
      for (let time = 0; time < 2; time += 1) {
        await page.goto(callback);
        await assertNotice(page, deployment.home, "connected");
        assert.equal(await countOf(page), 1);
      }
      assert.equal(await deployment.tokenRequests(), 1);

      // The same state with another code.
      await page.goto(await deployment.callback(state));
      await assertNotice(page, deployment.home, "state_used");
      assert.equal(await countOf(page), 1);

      const other = await opened(await newProfile());
      await started(other);
      await assertRefused(other, callback, "state_unknown");
      assert.equal(await deployment.tokenRequests(), 1);
    });

    // The session cookie is `SameSite=Strict`, and the way back is a redirect from another site: here each browser decides for itself.
    for (const by of ["form", "link"]) {
      test(`by a ${by} and without a script of ours an owner connects, and is back where it began`, async () => {
        const page = await opened(await newProfile());
        await connectCarBy(by, page, deployment);
        await arrived(page, `${deployment.home}?smartcar=connected`);
        await openHome(page, deployment.home);
        assert.equal(await countOf(page), 1);
        assert.equal(await deployment.tokenRequests(), 1);
      });
    }

    if (!trustsLocalhost) {
      test("where the browser keeps no session of a localhost without TLS, start fails before it leaves", async (t) => {
        const plain = await openDeployment(false);
        t.after(() => plain.close());
        const page = await (await newProfile()).newPage();
        await openHome(page, plain.home);
        const code = await page.evaluate(async () => {
          const { start } = await import("/pkg/index.js");
          return start({ navigate: false }).then(() => "started", (error) => error.code);
        });
        assert.equal(code, "cookie_blocked");
      });
    }
  });
}
