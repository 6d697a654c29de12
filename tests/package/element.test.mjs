// <smartcar-connect-button> in Chromium, in a page whose policy allows no style and no markup from scripts. What it calls is the page's.
import assert from "node:assert/strict";
import { test } from "node:test";

import { violations } from "../edge/harness/axe.mjs";
import { consumer, run } from "./support/consumer.mjs";
import { openPage, serve } from "./support/pages.mjs";

const POLICY = "default-src 'none'; script-src 'self'; require-trusted-types-for 'script'";
const PAGE = (body) => `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark">
<title>consumer</title><script type="module" src="/page.js"></script></head><body><main><h1>Cars</h1>${body}</main></body></html>`;

/** What the elements call: each call waits in `calls` to be answered. */
const SCRIPT = `
  const calls = (globalThis.calls = []);
  const told = (globalThis.told = []);
  const waits = (name) => (...given) => new Promise((resolve, reject) => calls.push({ name, given, resolve, reject }));
  const names = ["start", "popup", "reconnect", "finish", "connections"];
  globalThis.connect = Object.fromEntries(names.map((name) => [name, waits(name)]));
  Object.assign(connect, { hasCallback: () => globalThis.isCallback === true, unfinishedAttempt: () => null });
  for (const type of ["outcome", "error"]) {
    const listener = (event) => told.push([event.currentTarget === document ? "document" : event.target.id, type, event.detail.kind ?? event.detail.message]);
    for (const element of document.querySelectorAll("smartcar-connect-button")) element.addEventListener(type, listener);
    document.addEventListener(type, listener);
  }
  globalThis.isCallback = new URLSearchParams(location.search).has("callback");
  const early = document.querySelector("#early");
  if (early) Object.assign(early, { scope: ["read_odometer", "read_vin"], connect, defer: true });
  await import("/node_modules/smartcar-connect/element.js");
  for (const element of document.querySelectorAll("smartcar-connect-button")) element.connect = connect;
  globalThis.isReady = true;`;

async function opened(t, body, { headers = { "content-security-policy": POLICY }, search = "" } = {}) {
  const { folder } = await consumer(t, { "index.html": PAGE(body), "page.js": SCRIPT });
  const server = await serve(t, folder, headers);
  const said = [];
  const page = await openPage(t, `${server.origin}/${search}`, said);
  await page.waitForFunction(() => globalThis.isReady).catch((error) => assert.fail(`${error.message}\n${said.join("\n")}`));
  return { page, said };
}

const calls = (page) => page.evaluate(() => globalThis.calls.map(({ name, given }) => [name, ...given]));
const told = (page) => page.evaluate(() => globalThis.told);
const button = (page, name) => page.getByRole("button", { name });

/** Answers the latest call. */
const answer = (page, value) => page.evaluate((value) => globalThis.calls.at(-1).resolve(value), value);
const refuse = (page, message) => page.evaluate((message) => globalThis.calls.at(-1).reject(new Error(message)), message);

/** The contrast of the label to the button, and of the button to the page, by WCAG: axe-core reads no colours of what is in a slot. */
function contrasts(page) {
  return page.locator("smartcar-connect-button button").evaluate((button) => {
    const luminance = (color) => {
      const parts = color.match(/[\d.]+/g).slice(0, 3).map((part) => Number(part) / 255);
      const [red, green, blue] = parts.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const between = (one, other) => {
      const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
      return (light + 0.05) / (dark + 0.05);
    };
    const probe = document.body.appendChild(document.createElement("p"));
    probe.style.color = "Canvas";
    const canvas = getComputedStyle(probe).color;
    probe.remove();
    const { color, backgroundColor } = getComputedStyle(button);
    return [between(color, backgroundColor), between(backgroundColor, canvas)];
  });
}

test("it is accessible in light and dark, and styled without a style that the policy would have to allow", async (t) => {
  const { page, said } = await opened(t, "<smartcar-connect-button></smartcar-connect-button>");
  const backgrounds = new Set();
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    assert.deepEqual(await violations(page), [], colorScheme);
    const [label, button] = await contrasts(page);
    assert.ok(label >= 4.5 && button >= 3, `${colorScheme}: ${label}, ${button}`);
    const { minHeight, backgroundColor } = await page.locator("smartcar-connect-button button").evaluate((button) => {
      const { minHeight, backgroundColor } = getComputedStyle(button);
      return { minHeight, backgroundColor };
    });
    assert.equal(minHeight, "44px");
    backgrounds.add(backgroundColor);
  }
  assert.equal(backgrounds.size, 2);
  assert.deepEqual(said, []);
  // What is measured is measured.
  await page.locator("smartcar-connect-button").evaluate((element) => element.style.setProperty("--smartcar-connect-color", "#bbb"));
  assert.ok((await contrasts(page))[0] < 4.5);
});

test("it is styled by custom properties and by parts, also where style sheets can't be made by scripts", async (t) => {
  const { folder } = await consumer(t, {
    "index.html": PAGE(`<style>
      smartcar-connect-button { --smartcar-connect-background: rgb(1, 2, 3); --smartcar-connect-radius: 7px; }
      smartcar-connect-button::part(button) { text-transform: uppercase; }
      smartcar-connect-button::part(busy) { letter-spacing: 3px; }
      </style><smartcar-connect-button></smartcar-connect-button>`),
    "page.js": `CSSStyleSheet.prototype.replaceSync = undefined;${SCRIPT}`,
  });
  const server = await serve(t, folder);
  const page = await openPage(t, `${server.origin}/`);
  await page.waitForFunction(() => globalThis.isReady);
  const style = () =>
    page.locator("smartcar-connect-button button").evaluate((button) => {
      const { backgroundColor, borderRadius, letterSpacing, minHeight, textTransform } = getComputedStyle(button);
      return { backgroundColor, borderRadius, letterSpacing, minHeight, textTransform };
    });
  const plain = { backgroundColor: "rgb(1, 2, 3)", borderRadius: "7px", letterSpacing: "normal", minHeight: "44px", textTransform: "uppercase" };
  assert.deepEqual(await style(), plain);
  await button(page, "Connect your car").click();
  assert.deepEqual(await style(), { ...plain, letterSpacing: "3px" });
});

test("the keyboard reaches it, shows where it is, and starts; so does `click()`", async (t) => {
  const { page } = await opened(t, '<smartcar-connect-button id="one"></smartcar-connect-button>');
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.id), "one");
  for (const [colorScheme, color] of [["light", "rgb(0, 0, 0)"], ["dark", "rgb(255, 255, 255)"]]) {
    await page.emulateMedia({ colorScheme });
    const outline = await page.locator("smartcar-connect-button button").evaluate((button) => getComputedStyle(button).outline);
    assert.equal(outline, `${color} solid 3px`);
  }
  await page.evaluate(() => (document.activeElement.blur(), document.querySelector("#one").focus()));
  const expected = [];
  for (const start of [() => page.keyboard.press("Enter"), () => page.keyboard.press("Space"), () => page.evaluate(() => document.querySelector("#one").click())]) {
    await start();
    expected.push(["start", {}]);
    assert.deepEqual(await calls(page), expected);
    await refuse(page, "no");
    await button(page, "Connect your car").waitFor();
  }
});

test("white space and the words for other states are no words for the button", async (t) => {
  const bodies = ["", " ", "\n", '\n<span slot="error">Leider nicht</span>\n', "\n  Auto verbinden\n", "\n<b>Auto verbinden</b>\n"];
  const { page } = await opened(t, bodies.map((body) => `<smartcar-connect-button>${body}</smartcar-connect-button>`).join(""));
  const names = () => page.getByRole("main").ariaSnapshot();
  const expected = ["Connect your car", "Connect your car", "Connect your car", "Connect your car", "Auto verbinden", "Auto verbinden"];
  const seen = async () => [...(await names()).matchAll(/button "(.*?)"/g)].map(([, name]) => name);
  assert.deepEqual(await seen(), expected);
  assert.deepEqual(await violations(page), []);
  // As frameworks change them: another node, the same node with another text, and through a slot of another element.
  await page.evaluate(() => {
    const [empty, blank, lineBreak, , worded] = document.querySelectorAll("smartcar-connect-button");
    empty.append("Anders");
    blank.firstChild.data = "Anders";
    worded.textContent = "";
    const host = lineBreak.parentNode.insertBefore(document.createElement("div"), lineBreak);
    const inner = host.attachShadow({ mode: "open" }).appendChild(document.createElement("smartcar-connect-button"));
    inner.append(document.createElement("slot"));
    lineBreak.remove();
  });
  assert.deepEqual(await seen(), ["Anders", "Anders", "Connect your car", "Connect your car", "Connect your car", "Auto verbinden"]);
  await page.evaluate(() => document.querySelector("main div").append("Anders"));
  assert.deepEqual((await seen())[2], "Anders");
});

test("while it is busy it says so, keeps the focus, and starts nothing else", async (t) => {
  const words = 'Auto verbinden<span slot="busy">Einen Augenblick</span><span slot="error">Leider nicht</span>';
  const { page } = await opened(t, `<smartcar-connect-button lang="de">${words}</smartcar-connect-button>`);
  await button(page, "Auto verbinden").click();
  await button(page, "Einen Augenblick").waitFor();
  assert.equal(await button(page, "Einen Augenblick").getAttribute("aria-disabled"), "true");
  assert.equal(await page.evaluate(() => document.activeElement.localName), "smartcar-connect-button");
  await page.keyboard.press("Enter");
  await page.locator("smartcar-connect-button").evaluate((element) => element.start());
  assert.equal((await calls(page)).length, 1);
  assert.deepEqual(await violations(page), []);
  assert.equal(await page.getByRole("alert").count(), 0);
  await refuse(page, "no");
  await page.getByRole("alert").waitFor();
  assert.ok(await page.getByText("Leider nicht").isVisible());
  await button(page, "Auto verbinden").click();
  await page.getByText("Leider nicht").waitFor({ state: "hidden" });
});

test("an error is told by the button that was clicked, and shown unless the page does that itself", async (t) => {
  const two = ["one", "two"].map((id) => `<smartcar-connect-button id="${id}">${id}</smartcar-connect-button>`).join(" ");
  const { page } = await opened(t, two);
  const { width } = await page.locator("#two").boundingBox();
  await button(page, "two").click();
  await refuse(page, "no network");
  await page.locator("#two").getByRole("alert").filter({ hasText: "That did not work. Please try again." }).waitFor();
  assert.equal(await page.locator("#one").getByRole("alert").count(), 0);
  assert.equal((await page.locator("#two").boundingBox()).width, width);
  // It does not bubble: the page's own errors are heard there.
  assert.deepEqual(await told(page), [["two", "error", "no network"]]);
  assert.equal(await page.locator("#two").evaluate((element) => element.error.message), "no network");

  await page.locator("#one").evaluate((element) => element.addEventListener("error", (event) => event.preventDefault()));
  await button(page, "one").click();
  await refuse(page, "again");
  await button(page, "one").waitFor();
  assert.equal(await page.locator("#one").getByRole("alert").count(), 0);
});

test("a message goes away once any of the buttons is clicked, and stays away after it has gone well", async (t) => {
  const two = ["one", "two"].map((id) => `<smartcar-connect-button id="${id}" popup>${id}</smartcar-connect-button>`).join(" ");
  const { page } = await opened(t, two);
  await button(page, "one").click();
  await refuse(page, "no network");
  await page.locator("#one").getByRole("alert").waitFor();
  await button(page, "two").click();
  assert.equal(await page.getByRole("alert").count(), 0);
  await answer(page, { kind: "access_denied" });
  await button(page, "two").waitFor();
  assert.equal(await page.getByRole("alert").count(), 0);
});

test("a caller is forgotten with the buttons that were told of it", async (t) => {
  const { page } = await opened(t, "<smartcar-connect-button></smartcar-connect-button>");
  await page.evaluate(async () => {
    const isGone = (globalThis.isGone = []);
    for (const isKept of [true, false]) {
      const element = document.createElement("smartcar-connect-button");
      const connect = { ...globalThis.connect };
      if (isKept) globalThis.kept = connect;
      isGone.push(new WeakRef(connect));
      element.connect = connect;
      document.body.append(element);
      await new Promise((resolve) => setTimeout(resolve));
      element.remove();
    }
  });
  await page.requestGC();
  assert.deepEqual(await page.evaluate(() => globalThis.isGone.map((each) => each.deref() === undefined)), [false, true]);
  const refusal = await page.evaluate(() => {
    try {
      document.querySelector("smartcar-connect-button").connect = "[object Object]";
    } catch ({ code, field }) {
      return [code, field];
    }
  });
  assert.deepEqual(refusal, ["invalid_option", "connect"]);
});

test("disabled it can't be reached, clicked or started", async (t) => {
  const { page } = await opened(t, '<smartcar-connect-button disabled id="one"></smartcar-connect-button>');
  await page.keyboard.press("Tab");
  assert.notEqual(await page.evaluate(() => document.activeElement.id), "one");
  await button(page, "Connect your car").click({ force: true });
  await page.locator("#one").evaluate((element) => (element.click(), element.start()));
  assert.deepEqual(await calls(page), []);
  await page.locator("#one").evaluate((element) => (element.disabled = false));
  await button(page, "Connect your car").click();
  assert.equal((await calls(page)).length, 1);
});

test("the attributes are the options, and a window or a way back is asked for as such", async (t) => {
  const attributes =
    'scope=" required:read_odometer\n read_vin " mode="simulated" approval-prompt="force" make="TESLA" single-select flags="country:DE x:y" ' +
    'single-select-vin="5YJ3E1EA8PF000000" user="u" redirect-uri="https://app.example/cars" application-id="11111111-2222-4333-8444-555555555555"';
  const options = {
    scope: ["required:read_odometer", "read_vin"],
    mode: "simulated",
    approvalPrompt: "force",
    make: "TESLA",
    singleSelect: true,
    flags: ["country:DE", "x:y"],
    singleSelectVin: "5YJ3E1EA8PF000000",
    user: "u",
    redirectUri: "https://app.example/cars",
    applicationId: "11111111-2222-4333-8444-555555555555",
  };
  const { page } = await opened(t, `<smartcar-connect-button ${attributes}></smartcar-connect-button>`);
  const element = page.locator("smartcar-connect-button");
  const startedWith = async (changes, ...expected) => {
    await element.evaluate((element, changes) => Object.assign(element, changes), changes);
    await button(page, "Connect your car").click();
    assert.deepEqual((await calls(page)).at(-1), expected);
    await refuse(page, "no");
    await page.waitForFunction(() => document.querySelector("smartcar-connect-button").busy === null);
  };
  await startedWith({}, "start", options);
  await startedWith({ reconnect: "an-id" }, "reconnect", "an-id", options);
  await startedWith({ popup: true }, "popup", { ...options, reconnect: "an-id" });
  await startedWith({ reconnect: null, scope: null, flags: "country:FR", mode: undefined, singleSelect: false }, "popup", (() => {
    const { scope, mode, singleSelect, ...rest } = options;
    return { ...rest, flags: ["country:FR"] };
  })());
  assert.equal(await element.getAttribute("flags"), "country:FR");
});

test('"false" is off, as some frameworks write it', async (t) => {
  const { page } = await opened(t, '<smartcar-connect-button disabled="false" popup="false" single-select="true"></smartcar-connect-button>');
  await button(page, "Connect your car").click();
  assert.deepEqual(await calls(page), [["start", { singleSelect: true }]]);
  const read = await page.locator("smartcar-connect-button").evaluate((element) => {
    const before = [element.disabled, element.popup, element.singleSelect];
    element.popup = true;
    return [...before, element.popup];
  });
  assert.deepEqual(read, [false, false, true, true]);
});

test("what was set before the element was known counts", async (t) => {
  const { page } = await opened(t, '<smartcar-connect-button id="early"></smartcar-connect-button>');
  await button(page, "Connect your car").click();
  assert.deepEqual(await calls(page), [["start", { scope: ["read_odometer", "read_vin"] }]]);
});

test("a callback is finished once, told by one of the buttons, and nothing else is asked for", async (t) => {
  const two = ["one", "two"].map((id) => `<smartcar-connect-button id="${id}" defer></smartcar-connect-button>`).join(" ");
  const { page } = await opened(t, two, { search: "?callback" });
  await page.waitForFunction(() => globalThis.calls.length > 0);
  assert.equal(await page.locator("#one").evaluate((element) => element.busy), "finish");
  await answer(page, { kind: "access_denied" });
  await page.waitForFunction(() => globalThis.told.length > 0);
  await page.waitForFunction(() => document.querySelector("#two").busy === null);
  assert.deepEqual(await calls(page), [["finish"]]);
  assert.deepEqual(await told(page), [["one", "outcome", "access_denied"], ["document", "outcome", "access_denied"]]);
  assert.deepEqual(await page.locator("#one").evaluate((element) => element.outcome), { kind: "access_denied" });
});

test("with `defer` nothing happens before `connect` is set, nor after the element has left the page", async (t) => {
  const { page } = await opened(t, "<p>Nothing</p>", { search: "?callback&code=1&state=smartcar-connect.s" });
  const seen = await page.evaluate(async () => {
    const element = document.createElement("smartcar-connect-button");
    element.defer = true;
    document.body.append(element);
    await new Promise((resolve) => setTimeout(resolve));
    const before = [element.busy, element.error, globalThis.calls.length];
    element.remove();
    element.connect = globalThis.connect;
    await new Promise((resolve) => setTimeout(resolve));
    const removed = globalThis.calls.length;
    document.body.append(element);
    await new Promise((resolve) => setTimeout(resolve));
    return [before, removed, globalThis.calls.length];
  });
  assert.deepEqual(seen, [[null, null, 0], 0, 1]);
});

test("on a server importing it does nothing", async (t) => {
  const { folder } = await consumer(t, {
    "server.mjs": `
      const before = Object.keys(globalThis).length;
      for (const entry of ["element", "store", "svelte"]) await import(\`smartcar-connect/\${entry}\`);
      const { smartcarConnect } = await import("smartcar-connect/svelte");
      smartcarConnect().subscribe((state) => console.log(JSON.stringify(state)))();
      if (Object.keys(globalThis).length !== before) throw new Error("a global");`,
  });
  const { stdout } = await run(folder, process.execPath, ["server.mjs"]);
  assert.deepEqual(Object.values(JSON.parse(stdout)), [null, null, null, null, null, null]);
});
