// A project that uses the package as a stranger would: from the tarball, in a folder of its own.
import { execFile } from "node:child_process";
import { cp, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { promisify } from "node:util";

const exec = promisify(execFile);
export const ROOT = new URL("../../../", import.meta.url).pathname;
const DIST = join(ROOT, "dist");

export async function tarball(name = "smartcar-connect") {
  const packed = (await readdir(DIST)).filter((file) => file.endsWith(".tgz") && /^\d/.test(file.slice(name.length + 1)) && file.startsWith(name));
  if (packed.length !== 1) throw new Error(`expected one tarball of ${name} in dist/, found ${packed.length}: run \`make build\``);
  return join(DIST, packed[0]);
}

/** Installed once for each test file: npm takes longer than most of the tests. */
let installation;
after(async () => installation && rm(await installation, { recursive: true, force: true }));

async function install() {
  const folder = await mkdtemp(join(tmpdir(), "smartcar-connect-installed-"));
  await writeFile(join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
  await exec("npm", ["install", "--offline", "--ignore-scripts", await tarball()], { cwd: folder });
  return folder;
}

/** An installed copy of its own for a test. `files` are written beside it. */
export async function consumer(t, files = {}) {
  installation ??= install();
  const folder = await mkdtemp(join(tmpdir(), "smartcar-connect-consumer-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await cp(await installation, folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return { folder, installed: join(folder, "node_modules/smartcar-connect") };
}

/** Runs a program in a folder; what it printed is in the result, or in the error. */
export async function run(folder, program, args, options = {}) {
  try {
    return await exec(program, args, { cwd: folder, ...options });
  } catch (error) {
    throw new Error(`${program} ${args.join(" ")}: ${error.message}\n${error.stdout}\n${error.stderr}`, { cause: error });
  }
}
