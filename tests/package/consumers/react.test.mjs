// The example with React and React Router. In development StrictMode mounts every component twice.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";

import { assertWorks } from "../support/example.mjs";
import { openPage } from "../support/pages.mjs";
import { built, example, served } from "../support/project.mjs";

let folder;
before(async () => {
  folder = await example("react");
});

test("vite build, and what it builds", async (t) => {
  await built(folder, "vite", ["build"]);
  await assertWorks(t, folder, "preview");
});

test("npm run dev", (t) => assertWorks(t, folder, "dev"));

/** A page whose provider is told who calls by a function that is written in the component, and that can be left out. */
const CALLER = `
  import { StrictMode, useEffect, useRef, useState } from "react";
  import { createRoot } from "react-dom/client";
  import { SmartcarConnectProvider, useSmartcarConnect } from "smartcar-connect/react";

  function App() {
    const [user, setUser] = useState("ada");
    const [isShown, show] = useState(true);
    return (
      <>
        <button onClick={() => setUser("grace")}>As Grace</button>
        <button onClick={() => setUser("expired")}>Later</button>
        <button onClick={() => show(false)}>Leave</button>
        {isShown && <SmartcarConnectProvider getToken={(again) => (again?.rejectedToken ? "renewed" : user)}><Cars user={user} /></SmartcarConnectProvider>}
      </>
    );
  }
  function Cars({ user }) {
    const { connections, refresh } = useSmartcarConnect();
    const asked = useRef(user);
    useEffect(() => {
      if (asked.current !== user) refresh();
      asked.current = user;
    }, [user]);
    return <output>{String(connections?.length)}</output>;
  }
  createRoot(document.getElementById("app")).render(<StrictMode><App /></StrictMode>);`;

/** A page whose user is known later only. */
const LATER = `
  import { Component, StrictMode, useState } from "react";
  import { createRoot } from "react-dom/client";
  import { SmartcarConnectProvider } from "smartcar-connect/react";

  class Boundary extends Component {
    state = {};
    static getDerivedStateFromError({ code, field, message }) {
      return { error: [code, field, message].join(" | ") };
    }
    render() {
      return this.state.error ? <output>{this.state.error}</output> : this.props.children;
    }
  }
  const SIGNED_IN = { getToken: () => "ada", userId: "ada" };
  function App({ isKeyed }) {
    const [session, setSession] = useState(null);
    const props = isKeyed ? { key: session?.userId } : {};
    return (
      <Boundary>
        <button onClick={() => setSession(SIGNED_IN)}>Log in</button>
        <button onClick={() => setSession(null)}>Log out</button>
        <SmartcarConnectProvider {...props} getToken={session?.getToken}><p>{session ? "Ada" : "Nobody"}</p></SmartcarConnectProvider>
      </Boundary>
    );
  }
  createRoot(document.getElementById("app")).render(<StrictMode><App isKeyed={location.search === "?keyed"} /></StrictMode>);`;

const EXPIRED = { type: "about:blank", title: "Unauthorized", status: 401, code: "invalid_token", detail: "it has expired", requestId: "1" };

/** A page of its own with this script, and as whom it asks for the connections. */
async function probe(t, name, script) {
  await writeFile(join(folder, `src/${name}.jsx`), script);
  await writeFile(join(folder, `${name}.html`), `<!doctype html><title>x</title><div id="app"></div><script type="module" src="/src/${name}.jsx"></script>`);
  const origin = await served(t, folder, "vite", (port) => ["dev", "--port", port]);
  const page = await openPage(t, "about:blank");
  const callers = [];
  await page.route("**/smartcar/connections", (route) => {
    const { authorization } = route.request().headers();
    callers.push(authorization);
    return route.fulfill(authorization === "Bearer expired" ? { status: 401, json: EXPIRED } : { json: { connections: [] } });
  });
  return { address: `${origin}/${name}.html`, page, callers };
}

test("a function that says who calls and comes later is refused, unless the provider has another key", async (t) => {
  const { address, page, callers } = await probe(t, "later", LATER);
  await page.goto(address);
  await page.getByRole("button", { name: "Log in" }).click();
  const refusal = page.locator("output");
  await refusal.waitFor();
  assert.match(await refusal.textContent(), /^invalid_option \| getToken \| .*returning nothing while nobody is logged in, or give the provider another `key`$/);

  await page.goto(`${address}?keyed`);
  await page.getByRole("button", { name: "Log in" }).click();
  for (const end = Date.now() + 60_000; !callers.includes("Bearer ada") && Date.now() < end; ) await page.waitForTimeout(50);
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByText("Nobody").waitFor();
  assert.ok(callers.includes("Bearer ada"), String(callers));
  assert.equal(await refusal.count(), 0);
});

test("the provider asks the latest function who calls, and asks for nothing once it is gone", async (t) => {
  const { address, page, callers } = await probe(t, "caller", CALLER);
  await page.goto(address);
  await page.locator("output", { hasText: "0" }).waitFor();
  // StrictMode mounts twice, and asks once.
  assert.deepEqual(callers, ["Bearer ada"]);
  // What is below asks as soon as it hears of another user.
  const [answer] = await Promise.all([page.waitForResponse("**/smartcar/connections"), page.getByRole("button", { name: "As Grace" }).click()]);
  assert.equal(answer.request().headers().authorization, "Bearer grace");
  await page.getByRole("button", { name: "Later" }).click();
  for (const end = Date.now() + 60_000; callers.at(-1) !== "Bearer renewed" && Date.now() < end; ) await page.waitForTimeout(50);
  await page.getByRole("button", { name: "Leave" }).click();
  await page.evaluate(() => dispatchEvent(new StorageEvent("storage", { key: "smartcar-connect:attempt:a", newValue: '{"over":true}' })));
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 300)));
  assert.deepEqual(callers.slice(2), ["Bearer expired", "Bearer renewed"]);
});
