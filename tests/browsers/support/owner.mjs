// What a car's owner does, on the demo page and on the simulator's pages of Connect, in whatever browser.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { PATIENCE } from "./patience.mjs";

const button = (text) => `//button[starts-with(normalize-space(), "${text}")]`;
const field = (label) => `//input[@id = //label[contains(normalize-space(), "${label}")]/@for] | //label[contains(normalize-space(), "${label}")]//input`;

/** Asks the page until `work` returns something that is true, over changes of the page; returns it. */
export async function waitFor(page, what, work, ...args) {
  let failure;
  for (const end = performance.now() + PATIENCE; performance.now() < end; await sleep(50)) {
    try {
      const value = await page.evaluate(work, ...args);
      if (value) return value;
    } catch (error) {
      // A page that goes away takes its answer along.
      failure = error;
    }
  }
  throw new Error(`waited in vain until ${what}`, { cause: failure });
}

/** Opens the demo page and waits for what it shows. */
export async function openHome(page, home) {
  await page.goto(home);
  await settled(page, home);
}

/** Waits until the demo page has done what it does when it is opened, with nothing of a callback in its address. */
export async function settled(page, home) {
  const isSettled = (home) => location.href === home && document.body?.dataset.view !== undefined && document.body.dataset.view !== "busy";
  await waitFor(page, "the page is at home and shows what there is", isSettled, home);
}

/** Waits until the browser is at this address. */
export function arrived(page, url) {
  return waitFor(page, `the browser is at ${url}`, (url) => location.href === url, url);
}

/** The code of the notice on the demo page. */
export function noticeOf(page) {
  return waitFor(page, "there is a notice", () => {
    const notice = document.getElementById("notice");
    return notice && !notice.hidden && notice.dataset.code;
  });
}

export async function assertNotice(page, home, code) {
  assert.equal(await noticeOf(page), code);
  await settled(page, home);
}

/** How many connections the demo page lists. */
export function countOf(page) {
  return page.evaluate(() => document.querySelectorAll("#connections > li").length);
}

/** Clicks "Connect your car", logs in at Connect and consents. */
export async function connectCar(page, simulator) {
  await page.click(button("Connect your car"));
  await consent(page, simulator);
}

/**
 * Clicks what begins a connection without a script, logs in at Connect and consents. `by` is `form` or `link`. The page around it is an
 * answer of the Worker's: the demo page's policy lets no form be sent.
 */
export async function connectCarBy(by, page, { home, simulator }) {
  await page.goto(`${home}smartcar/healthz`);
  await page.evaluate((action) => {
    document.body.innerHTML = `<form method="post" action="${action}"><button>By a form</button></form><a href="${action}">By a link</a>`;
  }, "/smartcar/connect/login?return_to=/");
  await page.click(by === "form" ? button("By a form") : "//a[. = 'By a link']");
  await consent(page, simulator);
}

async function consent(page, simulator) {
  await waitFor(page, "the browser is at Connect", (origin) => location.origin === origin, simulator.origin);
  await page.click(button("Tesla"));
  await page.fill(field("E-mail"), "owner@example.com");
  await page.fill(field("Password"), "any password");
  await page.click(button("Log in"));
  await page.click(button("Allow"));
}

/** Starts a connection on the demo page, which stays. Returns the state. */
export async function started(page) {
  const url = await page.evaluate(async () => {
    const { start } = await import("/pkg/index.js");
    return (await start({ navigate: false })).url;
  });
  return new URL(url).searchParams.get("state");
}
