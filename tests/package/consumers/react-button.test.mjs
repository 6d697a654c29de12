// The element as a component, in both versions of React that are supported: after the page of a server, and rendered in the page alone.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";

import { build } from "esbuild";

import { run } from "../support/consumer.mjs";
import { openPage, serve } from "../support/pages.mjs";
import { project } from "../support/project.mjs";

let folder;
before(async () => {
  folder = await project("react-button");
});

const VERSIONS = { 18: { react: "react-18", "react-dom": "react-dom-18" }, 19: {} };

/** Builds the page and what a server renders of it. */
async function bundled(version) {
  const shared = { absWorkingDir: folder, bundle: true, jsx: "automatic", alias: VERSIONS[version], logLevel: "error" };
  const define = { "process.env.NODE_ENV": '"development"' };
  await build({ ...shared, entryPoints: ["client.jsx"], outfile: `client-${version}.js`, format: "esm", define });
  await build({ ...shared, entryPoints: ["server.jsx"], outfile: `server-${version}.cjs`, format: "cjs", platform: "node", define });
  const { stdout, stderr } = await run(folder, process.execPath, [`server-${version}.cjs`]);
  assert.equal(stderr, "");
  return stdout;
}

const calls = (page) => page.evaluate(() => globalThis.calls.map(({ caller, name, given }) => [caller, name, ...given]));
const told = (page) => page.evaluate(() => globalThis.told);

/** Waits for a call that is not answered yet, and answers it. */
async function answered(page, name, result) {
  await page.waitForFunction((name) => globalThis.calls.at(-1).name === name && !globalThis.calls.at(-1).isAnswered, name);
  await page.evaluate((result) => (Object.assign(globalThis.calls.at(-1), { isAnswered: true }).resolve(result)), result);
}

const button = (page, name) => page.getByRole("button", { name });

for (const version of Object.keys(VERSIONS)) {
  for (const [way, isRendered] of [["after the page of a server", true], ["in the page alone", false]]) {
    test(`in React ${version}, ${way}, the button has its properties and listeners`, async (t) => {
      const markup = await bundled(version);
      // Nothing may happen before it is known who calls.
      assert.equal([...markup.matchAll(/<smartcar-connect-button[^>]* defer[ =>]/g)].length, 3, markup);
      assert.match(markup, /<smartcar-connect-button[^>]* class="big"/);
      const script = `<script type="module" src="/client-${version}.js"></script>`;
      await writeFile(join(folder, "index.html"), `<!doctype html><title>x</title><link rel="icon" href="data:,"><div id="app">${isRendered ? markup : ""}</div>${script}`);
      const server = await serve(t, folder);
      const said = [];
      const page = await openPage(t, `${server.origin}/?callback&code=1&state=smartcar-connect.s`, said);

      await page.waitForFunction(() => globalThis.calls?.length > 0).catch((error) => assert.fail(`${error.message}\n${said.join("\n")}`));
      await page.evaluate(() => globalThis.calls[0].resolve({ kind: "access_denied" }));
      await page.waitForFunction(() => globalThis.told.length > 0);
      assert.deepEqual(await calls(page), [["ada", "finish"]]);
      assert.deepEqual(await told(page), [["ada", "access_denied"]]);

      const options = { redirectUri: "https://app.example/cars", scope: ["read_odometer", "read_vin"], singleSelect: true };
      await button(page, "Connect ada").click();
      assert.deepEqual((await calls(page)).at(-1), ["ada", "start", options]);
      await page.evaluate(() => globalThis.calls.at(-1).reject(new Error("no network")));
      await page.waitForFunction(() => globalThis.told.length > 1);
      assert.deepEqual((await told(page)).at(-1), ["ada", "no network"]);
      assert.equal(await page.getByRole("alert").count(), 0);

      // What changes is set, and what is no longer given is taken away; of the listeners the latest hear it.
      await page.evaluate(() => globalThis.setProps({ ...globalThis.asGrace, reconnect: "an-id", scope: undefined }));
      await button(page, "Connect grace").click();
      const { scope, ...rest } = options;
      assert.deepEqual((await calls(page)).at(-1), ["grace", "reconnect", "an-id", rest]);
      await page.evaluate(() => globalThis.calls.at(-1).reject(new Error("again")));
      await page.waitForFunction(() => globalThis.told.length > 2);
      assert.deepEqual((await told(page)).at(-1), ["grace", "again"]);
      await page.evaluate(() => globalThis.setProps({ ...globalThis.asGrace, disabled: true }));
      await page.locator("#one[disabled]").waitFor();
      assert.equal(await page.evaluate(() => globalThis.element.id), "one");

      await button(page, "In a provider").click();
      assert.deepEqual((await calls(page)).at(-1), ["provided", "start", {}]);
      // Of the third nothing came.
      await button(page, "Later").click();
      assert.equal((await calls(page)).length, 4);

      // What comes back to a window, a provider shows without being asked; of another caller's it knows nothing.
      await page.evaluate(() => globalThis.setProps({ ...globalThis.asGrace, lists: true }));
      await answered(page, "connections", []);
      await page.locator("output", { hasText: "0" }).waitFor();
      await button(page, "Of another").click();
      await answered(page, "popup", { kind: "access_denied" });
      await button(page, "In a window").click();
      await answered(page, "popup", { kind: "connected" });
      await answered(page, "connections", [{}]);
      await page.locator("output", { hasText: "1" }).waitFor();
      assert.deepEqual(
        (await calls(page)).slice(4).map(([caller, name]) => [caller, name]),
        [["listed", "connections"], ["grace", "popup"], ["listed", "popup"], ["listed", "connections"]],
      );
      assert.deepEqual(said.filter((line) => !/devtools/i.test(line)), []);
      assert.deepEqual(server.served.filter((path) => /smartcar\/|elsewhere/.test(path)), []);
    });
  }
}
