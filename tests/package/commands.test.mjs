// `npx smartcar-connect`: what it writes, what it leaves alone, and what it says.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cp, mkdir, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { parseEnv } from "node:util";

import { ROOT, run } from "./support/consumer.mjs";
import { CLIENT_ID, deployment } from "./support/deployment.mjs";

const INIT = ["init", "--yes", "--client-id", CLIENT_ID, "--redirect-uri", "https://app.example.com/cars"];
const text = (folder, name) => readFile(join(folder, name), "utf8");
/** Comments in the template have lines of their own. */
const jsonc = async (folder, name) => JSON.parse((await text(folder, name)).replaceAll(/^ *\/\/.*$/gm, ""));

test("init writes a folder that the doctor finds nothing wrong with", async (t) => {
  const { folder, command } = await deployment(t);
  const env = { ...process.env, SMARTCAR_CLIENT_SECRET: "secret-of-a-test" };
  const made = await command(INIT, { env });
  assert.equal(made.code, 0, made.stderr);
  assert.deepEqual((await readdir(folder)).sort(), [
    ".dev.vars",
    ".gitignore",
    "node_modules",
    "package-lock.json",
    "package.json",
    "worker",
    "wrangler.jsonc",
  ]);
  const { vars } = await jsonc(folder, "wrangler.jsonc");
  assert.deepEqual(vars, { SMARTCAR_CLIENT_ID: CLIENT_ID, ALLOWED_ORIGINS: "https://app.example.com" });
  const looked = await command(["doctor", "--local", "--redirect-uri", "https://app.example.com/cars"]);
  assert.equal(looked.code, 0, looked.stdout);
  assert.match(looked.stdout, /✓ redirect URI https:\/\/app\.example\.com\/cars: may use the Worker/);
  assert.match(looked.stdout, /\d+ looked at, 0 to mend/);
});

test("secrets are in .dev.vars alone, which git ignores and others of this machine can't read", async (t) => {
  const { folder, command } = await deployment(t);
  await run(folder, "git", ["init", "--quiet"]);
  await writeFile(join(folder, ".gitignore"), "dist/\nnode_modules");
  const env = { ...process.env, SMARTCAR_CLIENT_SECRET: "secret-of-a-test" };
  const made = await command(INIT, { env });
  assert.equal((await stat(join(folder, ".dev.vars"))).mode & 0o777, 0o600);
  const { SMARTCAR_CLIENT_SECRET, SEALING_KEYS } = parseEnv(await text(folder, ".dev.vars"));
  assert.equal(SMARTCAR_CLIENT_SECRET, "secret-of-a-test");
  assert.match(SEALING_KEYS, /^local:[\w+/]{43}=$/);
  assert.equal(await text(folder, ".gitignore"), "dist/\nnode_modules\n.dev.vars*\n!.dev.vars.example\n.wrangler/\n");
  const { stdout } = await run(folder, "git", ["ls-files", "--others", "--exclude-standard"]);
  assert.deepEqual(stdout.trim().split("\n").sort(), [".gitignore", "package-lock.json", "package.json", "worker/index.js", "wrangler.jsonc"]);
  for (const secret of [SMARTCAR_CLIENT_SECRET, SEALING_KEYS]) {
    for (const name of stdout.trim().split("\n")) assert.ok(!(await text(folder, name)).includes(secret), name);
    assert.ok(!(made.stdout + made.stderr).includes(secret));
  }
  const looked = await command(["doctor", "--local"], { env: process.env });
  assert.match(looked.stdout, /✓ \.dev\.vars: is ignored by git/);
  await writeFile(join(folder, ".gitignore"), "node_modules\n");
  const bare = await command(["doctor", "--local"], { env: process.env });
  assert.match(bare.stdout, /✗ \.dev\.vars: is not ignored by git/);
  assert.equal(bare.code, 1);
});

test("a client secret of any characters comes to the Worker as it is", async (t) => {
  const { folder, command } = await deployment(t);
  for (const secret of ["a#b", "it's", `x'"#y`, "a\\nb$c"]) {
    const made = await command([...INIT, "--force"], { env: { ...process.env, SMARTCAR_CLIENT_SECRET: secret } });
    assert.equal(made.code, 0, made.stderr);
    assert.equal(parseEnv(await text(folder, ".dev.vars")).SMARTCAR_CLIENT_SECRET, secret);
  }
  const { code, stderr } = await command([...INIT, "--force"], { env: { ...process.env, SMARTCAR_CLIENT_SECRET: "a b" } });
  assert.equal(code, 1);
  assert.match(stderr, /`SMARTCAR_CLIENT_SECRET` of the environment: this has white space in it: remove it/);
});

test("each sealing key is another, and the Worker takes it", async (t) => {
  const { command } = await deployment(t);
  const keys = await Promise.all(["k1", "2026-12"].map(async (id) => (await command(["sealing-key", id])).stdout));
  assert.match(keys[0], /^k1:[\w+/]{43}=\n$/);
  assert.match(keys[1], /^2026-12:[\w+/]{43}=\n$/);
  assert.notEqual(keys[0].split(":")[1], keys[1].split(":")[1]);
  const wrong = await command(["sealing-key", "a b"]);
  assert.deepEqual([wrong.code, wrong.stdout], [1, ""]);
});

test("what is there stays, unless it may be replaced", async (t) => {
  const { folder, command } = await deployment(t);
  await mkdir(join(folder, "worker"));
  const own = { "wrangler.jsonc": "{}\n", "worker/index.js": "export default {};\n", ".dev.vars": "A=1\n", "package.json": '{ "name": "mine" }\n' };
  for (const [name, content] of Object.entries(own)) await writeFile(join(folder, name), content);
  const kept = await command(INIT);
  assert.equal(kept.code, 1, "the configuration is not what was asked for");
  for (const [name, content] of Object.entries(own)) assert.equal(await text(folder, name), content);
  assert.match(kept.stdout, /npm install smartcar-connect wrangler/);

  const replaced = await command([...INIT, "--force"]);
  assert.equal(replaced.code, 0);
  assert.equal((await jsonc(folder, "wrangler.jsonc")).vars.SMARTCAR_CLIENT_ID, CLIENT_ID);
  assert.match(await text(folder, ".dev.vars"), /^SEALING_KEYS=local:/m);
  assert.equal((await stat(join(folder, ".dev.vars"))).mode & 0o777, 0o600);
  assert.equal(await text(folder, "package.json"), own["package.json"], "an app's own package.json is never replaced");
});

test("what the template has left blank is filled in, and the rest of it stays", async (t) => {
  const { folder, command } = await deployment(t);
  await cp(join(ROOT, "pkg-template/template"), folder, { recursive: true });
  // As `npm create cloudflare` makes it.
  const blank = (await text(folder, "wrangler.jsonc")).replace('"name": "smartcar-connect"', '"name": "my-cars"').replaceAll("  ", "\t");
  await writeFile(join(folder, "wrangler.jsonc"), blank);
  const unsaid = await command(["init", "--yes"]);
  assert.equal(unsaid.code, 0, unsaid.stderr);
  assert.equal(await text(folder, "wrangler.jsonc"), blank);
  assert.match(unsaid.stdout, /`SMARTCAR_CLIENT_ID` in wrangler\.jsonc, `SMARTCAR_CLIENT_SECRET` in \.dev\.vars/);
  const filled = await command(INIT);
  assert.equal(filled.code, 0, filled.stderr);
  const expected = blank
    .replace('"SMARTCAR_CLIENT_ID": ""', `"SMARTCAR_CLIENT_ID": "${CLIENT_ID}"`)
    .replace('"ALLOWED_ORIGINS": ""', '"ALLOWED_ORIGINS": "https://app.example.com"');
  assert.equal(await text(folder, "wrangler.jsonc"), expected);
  assert.equal((await command(["init", "--yes", "--client-id", "11111111-2222-4333-8444-555555555555"])).code, 1);
  await rm(join(folder, ".dev.vars"));
  const again = await command(["init", "--yes"]);
  assert.equal(again.code, 0, "nothing was said of the configuration");
  assert.match(await text(folder, ".dev.vars"), /^SEALING_KEYS=local:/m);
  assert.equal(await text(folder, "wrangler.jsonc"), expected);
});

test("what can't be read or written is one sentence, and what is printed can be pasted", async (t) => {
  const { folder, command } = await deployment(t);
  await writeFile(join(folder, "file"), "");
  const refused = await command([...INIT.slice(0, 1), "file/below", ...INIT.slice(1)]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /^✗ (ENOTDIR|EEXIST): [^\n]*\n$/);
  await writeFile(join(folder, "package.json"), "{");
  const made = await command(["init", "--yes", "--redirect-uri", "https://app.example.com/cars?a=$(b)"]);
  assert.equal(made.code, 0, made.stderr);
  assert.ok(made.stdout.includes("doctor --redirect-uri 'https://app.example.com/cars?a=$(b)'\n"), made.stdout);
});

test("where wrangler reads another file, init writes none", async (t) => {
  const { folder, command } = await deployment(t);
  await writeFile(join(folder, "wrangler.toml"), 'name = "mine"\n');
  const { code, stderr } = await command([...INIT, "--force"]);
  assert.equal(code, 1);
  assert.match(stderr, /wrangler\.toml is there, and wrangler reads one file/);
  assert.ok(!(await readdir(folder)).includes("wrangler.jsonc"));
  const looked = await command(["doctor", "--local"]);
  assert.match(looked.stderr, /there is no \.dev\.vars here/);
  await writeFile(join(folder, ".dev.vars"), "SEALING_KEYS=x\n");
  assert.match((await command(["doctor", "--local"])).stdout, /✗ VAULT: is not bound: add `\[\[durable_objects\.bindings\]\]`/);
});

test("init for v3, and for a simulator on this machine", async (t) => {
  const { folder, command } = await deployment(t);
  const made = await command(["init", "cars", "--yes", "--api", "v3", "--name", "cars", "--simulator", "http://localhost:9191/"]);
  assert.equal(made.code, 0, made.stderr);
  assert.match(made.stdout, /cd cars\n/);
  const { name, vars } = await jsonc(folder, "cars/wrangler.jsonc");
  assert.equal(name, "cars");
  assert.equal(vars.SMARTCAR_API_VERSION, "v3");
  const local = parseEnv(await text(folder, "cars/.dev.vars"));
  assert.equal(local.SMARTCAR_VEHICLE_ORIGIN, "http://localhost:9191");
  assert.equal(local.SMARTCAR_API_CLIENT_ID, "client_simulator");
  const looked = await command(["doctor", "--local"], { cwd: join(folder, "cars") });
  assert.equal(looked.code, 0, looked.stdout);
});

test("what an option says wrongly is told in the Worker's own words, and nothing is written", async (t) => {
  const { folder, command } = await deployment(t);
  for (const [args, said] of [
    [["--client-id", "client_01J"], /`--client-id`: this is the id of an API credential/],
    [["--redirect-uri", "http://app.example.com/cars"], /`--redirect-uri`: .*`https`/],
    [["--app-origin", "https://app.example.com/cars"], /`--app-origin`: /],
    [["--api", "v4"], /`--api`: give v2 or v3/],
    [["--name", "My Worker"], /`--name`: give a name/],
    [["--simulator", "http://example.com"], /`--simulator`: this is plain `http` off loopback/],
    [["--nonsense"], /--nonsense/],
    [["one", "two"], /`two` is too much/],
  ]) {
    const { code, stderr } = await command(["init", "--yes", ...args]);
    assert.equal(code, 1, args.join(" "));
    assert.match(stderr, said);
  }
  const { code, stderr } = await command(["init"]);
  assert.equal(code, 1);
  assert.match(stderr, /no terminal to ask at: add `--yes`/);
  assert.deepEqual((await readdir(folder)).sort(), ["node_modules", "package-lock.json"]);
});

test("the doctor reads the configuration that is there, or says why it can't", async (t) => {
  const { folder, command } = await deployment(t);
  assert.match((await command(["doctor"])).stderr, /there is no wrangler\.jsonc here: `npx smartcar-connect init` writes one/);
  await writeFile(join(folder, "wrangler.jsonc"), '{ "name": "cars", }');
  const bare = await command(["doctor"]);
  assert.equal(bare.code, 1);
  assert.match(bare.stdout, /✗ SMARTCAR_CLIENT_ID: is missing/);
  assert.match(bare.stdout, /– secrets: could not be listed/);
  await writeFile(join(folder, "wrangler.jsonc"), '{ "name": }');
  assert.match((await command(["doctor"])).stderr, /wrangler\.jsonc can't be read: .*line 1/);
});

test("the template's configuration binds and says what wrangler.toml does", async (t) => {
  const toml = await readFile(join(ROOT, "wrangler.toml"), "utf8");
  const template = await jsonc(ROOT, "pkg-template/template/wrangler.jsonc");
  const string = (name) => new RegExp(`^${name} = "(.*)"$`, "m").exec(toml)[1];
  assert.equal(template.compatibility_date, string("compatibility_date"));
  assert.deepEqual(template.compatibility_flags, JSON.parse(/^compatibility_flags = (.*)$/m.exec(toml)[1]));
  assert.deepEqual(template.triggers.crons, JSON.parse(/^crons = (.*)$/m.exec(toml)[1]));
  const all = (pattern) => [...toml.matchAll(pattern)].map((found) => found.slice(1));
  assert.deepEqual(
    template.durable_objects.bindings.map(({ name, class_name }) => [name, class_name]),
    all(/^name = "(\w+)"\nclass_name = "(\w+)"$/gm),
  );
  assert.deepEqual(
    template.migrations.map(({ tag, new_sqlite_classes }) => [tag, JSON.stringify(new_sqlite_classes)]),
    all(/^tag = "(\w+)"\nnew_sqlite_classes = (.*)$/gm),
  );
  assert.deepEqual(
    template.ratelimits.map(({ name, namespace_id, simple }) => [name, namespace_id, String(simple.limit), String(simple.period)]),
    all(/^name = "(\w+)"\nnamespace_id = "(\d+)"\nsimple = \{ limit = (\d+), period = (\d+) \}$/gm),
  );
  assert.deepEqual(template.kv_namespaces, all(/^binding = "(\w+)"$/gm).map(([binding]) => ({ binding })));
  const crate = /^version = "(.+)"$/m.exec(await readFile(join(ROOT, "Cargo.toml"), "utf8"))[1];
  const { dependencies, devDependencies } = await jsonc(ROOT, "pkg-template/template/package.json");
  assert.equal(dependencies["smartcar-connect"], `^${crate}`);
  const tools = await jsonc(ROOT, "package.json");
  assert.equal(devDependencies.wrangler, `^${tools.devDependencies.wrangler}`, "the one that is tested, or a newer one");
});

test("at a terminal init asks, asks again, hides the secret, and replaces what it may", async (t) => {
  const { folder, program } = await deployment(t);
  await writeFile(join(folder, "wrangler.jsonc"), "{}\n");
  const env = { ...process.env, NO_COLOR: "1" };
  delete env.SMARTCAR_CLIENT_SECRET;
  // It gives the command a terminal.
  const child = spawn("script", ["--quiet", "--return", "--command", `"${process.execPath}" "${program}" init`, "/dev/null"], { cwd: folder, env });
  let said = "";
  let onText = () => {};
  child.stdout.setEncoding("utf8").on("data", (chunk) => {
    said += chunk;
    onText();
  });
  const ended = new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  t.after(() => child.kill());
  let read = 0;
  async function answer(question, line) {
    await new Promise((resolve) => {
      onText = () => said.indexOf(question, read) >= 0 && resolve();
      onText();
    });
    read = said.indexOf(question, read) + question.length;
    child.stdin.write(`${line}\n`);
  }
  await answer("Application id", "client_01J");
  await answer("this is the id of an API credential", "");
  await answer("is missing", CLIENT_ID);
  await answer("v2 or v3:", "");
  await answer("Your page's address", "https://app.example.com/cars");
  await answer("Origin whose pages", "");
  await answer("Client secret", "typed-by-hand");
  await answer("Replace it? [y/N]", "y");
  assert.equal(await ended, 0, said);
  assert.ok(!said.includes("typed-by-hand"), "a secret is not shown");
  assert.ok(!said.includes("\x1b[3"), "NO_COLOR is honoured");
  const { vars } = await jsonc(folder, "wrangler.jsonc");
  assert.deepEqual(vars, { SMARTCAR_CLIENT_ID: CLIENT_ID, ALLOWED_ORIGINS: "https://app.example.com" });
  assert.equal(parseEnv(await text(folder, ".dev.vars")).SMARTCAR_CLIENT_SECRET, "typed-by-hand");
});
