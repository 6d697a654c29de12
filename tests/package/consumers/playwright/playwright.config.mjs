import process from "node:process";

import { defineConfig } from "@playwright/test";

export default defineConfig({
  testMatch: "connect.spec.mjs",
  workers: 1,
  use: { launchOptions: { executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] } },
});
