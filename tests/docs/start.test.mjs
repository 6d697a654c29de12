// `docs/start.md` is followed to the letter: its files are written, its commands run, and a car is connected in Chromium.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";

import { openBrowser } from "../edge/harness/browser.mjs";
import { decide, logIn } from "../edge/harness/owner.mjs";
import { freePort } from "../edge/harness/port.mjs";
import { deployment, dev } from "../package/support/deployment.mjs";
import { ROOT, blocksOf } from "./support/blocks.mjs";

const PATIENCE_MS = 120_000;
const PORTS = { simulator: "9191", worker: "8787", page: "5173" };
/** What `npx` would run, which is here already. */
const PROGRAMS = { "smartcar-connect-simulator": "dist/simulator/main.js", vite: "node_modules/vite/bin/vite.js" };

/** The blocks of the page, at ports that are free. */
async function page() {
  const ports = {};
  for (const [name, port] of Object.entries(PORTS)) ports[name] = { documented: port, free: String(await freePort()) };
  const atFreePorts = (text) => Object.values(ports).reduce((changed, { documented, free }) => changed.replaceAll(documented, free), text);
  const blocks = blocksOf("docs/start.md").map((block) => ({ ...block, text: atFreePorts(block.text) }));
  /** The one block that has this in it. */
  const block = (language, part) => {
    const found = blocks.filter((one) => one.language === language && one.text.includes(part));
    assert.equal(found.length, 1, `docs/start.md has not one block in ${language} with ${part}`);
    return found[0].text;
  };
  /** The words after a program's name. */
  const args = (program) => block("sh", `npx ${program}`).trim().split(/\s+/).slice(2);
  return { block, args, port: (name) => Number(ports[name].free) };
}

/** Runs a program until the test ends; resolves once it says what it says when it is ready. */
function running(t, name, args, { ready, ...options }) {
  const child = spawn(process.execPath, [join(ROOT, PROGRAMS[name]), ...args], { stdio: ["ignore", "pipe", "pipe"], detached: true, ...options });
  const ended = new Promise((resolve) => child.once("close", resolve));
  t.after(() => {
    if (child.exitCode === null && child.pid) process.kill(-child.pid, "SIGKILL");
    return ended;
  });
  return new Promise((resolve, reject) => {
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += text).includes(ready) && resolve());
    ended.then(() => reject(new Error(`${name} has ended: ${said}`)));
  });
}

test("whoever follows the start in five minutes connects a car, and sees how far it has gone", async (t) => {
  const { block, args, port } = await page();
  const { folder, env, command } = await deployment(t);
  await writeFile(join(folder, "package.json"), "{}");
  await writeFile(join(folder, "index.html"), block("html", "<title>"));
  await writeFile(join(folder, "main.js"), block("js", 'from "smartcar-connect"'));
  await writeFile(join(folder, "vite.config.js"), block("js", "export default"));

  const made = await command(args("smartcar-connect init --yes").with(0, "init"));
  assert.equal(made.code, 0, made.stdout + made.stderr);
  await running(t, "smartcar-connect-simulator", args("smartcar-connect-simulator --port"), { ready: "listening on" });
  assert.equal(block("sh", "npx wrangler").trim(), "npx wrangler dev");
  await dev(t, folder, env, port("worker"));
  await running(t, "vite", args("vite"), { ready: String(port("page")), cwd: folder, env });

  const browser = await openBrowser();
  t.after(() => browser.close());
  const visitor = await browser.newPage();
  visitor.setDefaultTimeout(PATIENCE_MS);
  const complaints = [];
  visitor.on("pageerror", (error) => complaints.push(String(error)));
  await visitor.goto(`http://localhost:${port("page")}/`);
  await visitor.getByRole("button", { name: "Connect your car" }).click();
  await logIn(visitor);
  await decide(visitor, "Allow");
  await visitor.getByText("connected", { exact: true }).waitFor();
  await visitor.getByRole("listitem").first().waitFor();
  for (const car of await visitor.getByRole("listitem").allInnerTexts()) assert.match(car, /^TESLA .+: \d+(\.\d+)? km$/);
  assert.deepEqual(complaints, []);
});
