// The pages, Smartcar's packages by their lock file and this one from its tarball, in a folder that knows nothing of this repository.
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

import { repository } from "../../edge/harness/paths.mjs";

const run = promisify(execFile);
const FILES = ["package.json", "package-lock.json", "apps", "in-node"];

/** @returns {Promise<{folder: string, versions: Record<string, string>, remove: () => Promise<void>}>} */
export async function installed() {
  const folder = await mkdtemp(path.join(tmpdir(), "smartcar-connect-bench-"));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    for (const file of FILES) await cp(path.join(import.meta.dirname, file), path.join(folder, file), { recursive: true });
    await run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"], { cwd: folder });
    const ours = path.join(folder, "node_modules/smartcar-connect");
    await mkdir(ours);
    await run("tar", ["--extract", "--gzip", "--file", await tarball(), "--strip-components=1", "--directory", ours]);
  } catch (error) {
    await remove();
    throw error;
  }
  return { folder, remove };
}

async function tarball() {
  const dist = path.join(repository, "dist");
  const [packed, ...others] = (await readdir(dist)).filter((file) => /^smartcar-connect-\d.*\.tgz$/.test(file));
  if (packed === undefined || others.length > 0) throw new Error("the package is not in dist/: run `make package`");
  return path.join(dist, packed);
}
