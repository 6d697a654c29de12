// The example with React and React Router. In development StrictMode mounts every component twice.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";

import { assertComesBack, assertConnects, assertMoves, backend } from "../support/example.mjs";
import { openPage } from "../support/pages.mjs";
import { built, example, served } from "../support/project.mjs";

let folder;
before(async () => {
  folder = await example("react");
});

test("vite build, and what it builds", async (t) => {
  await built(folder, "vite", ["build"]);
  const there = await backend(t);
  await served(t, folder, "vite", (port) => ["preview", "--port", port], there);
  const { page, state } = await assertConnects(t, there);
  await assertMoves(page, there, state);
  await assertComesBack(page, there);
});

test("npm run dev", async (t) => {
  const there = await backend(t);
  await served(t, folder, "vite", (port) => ["dev", "--port", port], there);
  const { page, state } = await assertConnects(t, there);
  await assertMoves(page, there, state);
});

/** A page whose provider is told who calls by a function that is written in the component, and that can be left out. */
const CALLER = `
  import { StrictMode, useState } from "react";
  import { createRoot } from "react-dom/client";
  import { SmartcarConnectProvider, useSmartcarConnect } from "smartcar-connect/react";

  function App() {
    const [user, setUser] = useState("ada");
    const [isShown, show] = useState(true);
    return (
      <>
        <button onClick={() => setUser("grace")}>As Grace</button>
        <button onClick={() => show(false)}>Leave</button>
        {isShown && <SmartcarConnectProvider getToken={() => user}><Cars /></SmartcarConnectProvider>}
      </>
    );
  }
  function Cars() {
    const { connections, refresh } = useSmartcarConnect();
    return <><button onClick={refresh}>Refresh</button><output>{String(connections?.length)}</output></>;
  }
  createRoot(document.getElementById("app")).render(<StrictMode><App /></StrictMode>);`;

test("the provider asks the latest function who calls, and asks for nothing once it is gone", async (t) => {
  await writeFile(join(folder, "src/caller.jsx"), CALLER);
  await writeFile(join(folder, "caller.html"), '<!doctype html><title>x</title><div id="app"></div><script type="module" src="/src/caller.jsx"></script>');
  const origin = await served(t, folder, "vite", (port) => ["dev", "--port", port]);
  const page = await openPage(t, "about:blank");
  const callers = [];
  await page.route("**/smartcar/connections", (route) => {
    callers.push(route.request().headers().authorization);
    return route.fulfill({ json: { connections: [] } });
  });
  await page.goto(`${origin}/caller.html`);
  await page.locator("output", { hasText: "0" }).waitFor();
  // StrictMode mounts twice, and asks once.
  assert.deepEqual(callers, ["Bearer ada"]);
  await page.getByRole("button", { name: "As Grace" }).click();
  const [answer] = await Promise.all([page.waitForResponse("**/smartcar/connections"), page.getByRole("button", { name: "Refresh" }).click()]);
  assert.equal(answer.request().headers().authorization, "Bearer grace");
  await page.getByRole("button", { name: "Leave" }).click();
  await page.evaluate(() => dispatchEvent(new StorageEvent("storage", { key: "smartcar-connect:attempt:a", newValue: '{"over":true}' })));
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 300)));
  assert.equal(callers.length, 2);
});
