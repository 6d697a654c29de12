// The demo page in real Chromium, served by the Worker, and an owner's profiles on it.
import { openBrowser } from "./browser.mjs";
import { openConnections } from "./connections-fixture.mjs";
import { instrumentedModules } from "./instrumented.mjs";
import { SECOND } from "./spans.mjs";

const PATIENCE = 60 * SECOND;

/** Opens connections of one isolate, with the options of `openConnections`, with the demo page, its back end and a browser. */
export async function openDemo(options = {}) {
  const modules = instrumentedModules("demo-backend.js");
  const fixture = await openConnections({ isolates: 1, demo: true, modules, ...options });
  const browser = await openBrowser();
  return {
    ...fixture,
    /** The demo page's address. */
    home: `${fixture.edge.origin}/`,
    /** A new profile. */
    async newContext() {
      const context = await browser.newContext();
      context.setDefaultTimeout(PATIENCE);
      return context;
    },
    /** For `afterEach`. */
    closeProfiles: () => Promise.all(browser.contexts().map((context) => context.close())),
    async close() {
      await browser.close();
      await fixture.close();
    },
  };
}
