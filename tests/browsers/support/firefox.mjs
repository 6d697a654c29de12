// Debian's Firefox over WebDriver BiDi, which it speaks by itself.
import puppeteer from "puppeteer-core";

import { PATIENCE } from "./patience.mjs";

const EXECUTABLE = process.env.FIREFOX ?? "/usr/bin/firefox-esr";

/** Starts Firefox; a profile is a container of its own. */
export async function openFirefox() {
  const browser = await puppeteer.launch({
    browser: "firefox",
    executablePath: EXECUTABLE,
    headless: true,
    acceptInsecureCerts: true,
    // It shows JSON in a page of its own otherwise.
    extraPrefsFirefox: { "devtools.jsonview.enabled": false },
  });
  return {
    async newProfile() {
      const context = await browser.createBrowserContext();
      return {
        newPage: async () => pageOf(await context.newPage()),
        close: () => context.close(),
      };
    },
    close: () => browser.close(),
  };
}

function pageOf(page) {
  page.setDefaultTimeout(PATIENCE);
  page.setDefaultNavigationTimeout(PATIENCE);
  const at = (xpath) => page.locator(`::-p-xpath(${xpath})`);
  return {
    goto: (url) => page.goto(url),
    reload: () => page.reload(),
    evaluate: (work, ...args) => page.evaluate(work, ...args),
    click: (xpath) => at(xpath).click(),
    fill: (xpath, text) => at(xpath).fill(text),
  };
}
