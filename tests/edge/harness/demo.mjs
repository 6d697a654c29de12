// The demo page in real Chromium, served by the Worker, and an owner's profiles on it.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { openBrowser } from "./browser.mjs";
import { openConnections } from "./connections-fixture.mjs";
import { instrumentedModules } from "./instrumented.mjs";
import { decide, goToConnect, logIn, noticeOf, settled } from "./owner.mjs";
import { PREFIX, SERVICE_KEY } from "./settings.mjs";
import { SECOND } from "./spans.mjs";
import { until } from "./until.mjs";

const PATIENCE = 60 * SECOND;
/** Much longer than the Worker takes from an answer of Smartcar's to its next request. */
const QUIET = (3 * SECOND) / 10;

/** Opens connections of one isolate, with the options of `openConnections`, with the demo page, its back end and a browser. */
export async function openDemo(options = {}) {
  const modules = instrumentedModules("demo-backend.js");
  const fixture = await openConnections({ isolates: 1, demo: true, modules, ...options });
  const browser = await openBrowser();
  /** Deletes all that is kept of the demo's own users, who are the same ones in every test. */
  async function forgetUsers() {
    for (const user of ["42", "43"]) {
      const headers = { authorization: `Bearer ${SERVICE_KEY}`, "smartcar-connect-user": user };
      const answer = await fetch(`${fixture.edge.origin}${PREFIX}/connections`, { method: "DELETE", headers });
      assert.ok(answer.ok, `the user is not deleted: ${answer.status}`);
    }
  }
  /** What a page of the test before still asks of Smartcar would be refused after the reset, and ask for a token again. */
  function untilQuiet() {
    return until("Smartcar has answered everything, and nothing follows", async () => {
      const requests = await fixture.simulator.requests();
      if (requests.some(({ status }) => status === null)) return false;
      await sleep(QUIET);
      return (await fixture.simulator.requests()).length === requests.length;
    });
  }
  return {
    ...fixture,
    async reset() {
      await untilQuiet();
      await forgetUsers();
      await fixture.reset();
    },
    /** The demo page's address. */
    home: `${fixture.edge.origin}/`,
    /** A new profile. */
    async newContext() {
      const context = await browser.newContext();
      context.setDefaultTimeout(PATIENCE);
      return context;
    },
    /** Connects the simulated Teslas on a page, whoever is signed in there. */
    async connectCars(page) {
      await goToConnect(page, fixture.simulator);
      await logIn(page);
      await decide(page, "Allow");
      assert.equal(await noticeOf(page), "connected");
      await settled(page, `${fixture.edge.origin}/`);
    },
    /** For `afterEach`. */
    closeProfiles: () => Promise.all(browser.contexts().map((context) => context.close())),
    async close() {
      await browser.close();
      await fixture.close();
    },
  };
}
