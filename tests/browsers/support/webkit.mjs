// WebKitGTK in its MiniBrowser over classic WebDriver, on a display that nobody sees. A driver has one session, and a
// session one profile, of which nothing is kept: each profile is a driver and a browser of its own.
import { spawn } from "node:child_process";
import { once } from "node:events";
import readline from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

import { Builder, By, until } from "selenium-webdriver";

import { freePort } from "../../edge/harness/port.mjs";
import { PATIENCE } from "./patience.mjs";

const DRIVER = process.env.WEBKIT_DRIVER ?? "/usr/bin/WebKitWebDriver";

/** Starts a display; browsers are started with the profiles. */
export async function openWebKit() {
  const display = await openDisplay();
  return {
    newProfile: () => openProfile(display.name),
    close: () => display.close(),
  };
}

async function openProfile(display) {
  const port = await freePort();
  const driver = started(DRIVER, [`--port=${port}`, "--host=127.0.0.1"], {
    stdio: "ignore",
    // The processor draws: there is no graphics card on a machine for tests, and nobody to read the screen aloud.
    env: { ...process.env, DISPLAY: display, GTK_A11Y: "none", NO_AT_BRIDGE: "1", WEBKIT_DISABLE_DMABUF_RENDERER: "1" },
  });
  try {
    await listening(port);
    const capabilities = { browserName: "MiniBrowser", acceptInsecureCerts: true };
    const session = await new Builder().usingServer(`http://127.0.0.1:${port}`).withCapabilities(capabilities).build();
    await session.manage().setTimeouts({ script: PATIENCE, pageLoad: PATIENCE, implicit: 0 });
    let isFirst = true;
    return {
      async newPage() {
        if (!isFirst) await session.switchTo().newWindow("tab");
        isFirst = false;
        return pageOf(session, await session.getWindowHandle());
      },
      async close() {
        await session.quit();
        await driver.stop();
      },
    };
  } catch (error) {
    await driver.stop();
    throw error;
  }
}

/** A tab: what is asked of the session goes to the tab that it was last switched to. */
function pageOf(session, handle) {
  const here = async (work) => {
    await session.switchTo().window(handle);
    return work();
  };
  const at = (xpath) => session.wait(until.elementLocated(By.xpath(xpath)), PATIENCE);
  return {
    goto: (url) => here(() => session.get(url)),
    reload: () => here(() => session.navigate().refresh()),
    evaluate: (work, ...args) =>
      here(async () => {
        const script = `const done = arguments[arguments.length - 1];
          (async () => (${work})(...arguments[0]))().then((value) => done({ value }), (error) => done({ error: String(error) }));`;
        const { value, error } = await session.executeAsyncScript(script, args);
        if (error) throw new Error(error);
        return value ?? undefined;
      }),
    click: (xpath) => here(async () => (await at(xpath)).click()),
    fill: (xpath, text) => here(async () => (await at(xpath)).sendKeys(text)),
  };
}

/** An X server with a number that is free. */
async function openDisplay() {
  const server = started("Xvfb", ["-displayfd", "1", "-nolisten", "tcp", "-screen", "0", "1280x1024x24"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  for await (const line of readline.createInterface({ input: server.process.stdout })) {
    return { name: `:${line}`, close: server.stop };
  }
  await server.stop();
  throw new Error("Xvfb ended before it had a display");
}

/** A program of its own process group, so that what it has started ends with it. */
function started(program, args, options) {
  const child = spawn(program, args, { ...options, detached: true });
  const ended = once(child, "exit").catch(() => {});
  return {
    process: child,
    async stop() {
      if (child.pid && child.exitCode === null && child.signalCode === null) process.kill(-child.pid, "SIGTERM");
      await ended;
    },
  };
}

async function listening(port) {
  for (const end = performance.now() + PATIENCE; performance.now() < end; await sleep(50)) {
    if (await fetch(`http://127.0.0.1:${port}/status`).then(({ ok }) => ok, () => false)) return;
  }
  throw new Error(`${DRIVER} does not listen`);
}
