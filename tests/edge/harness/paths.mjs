// Where the built parts lie. A missing one is an error with its remedy, so that no test passes for want of a build.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const repository = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");

export const workerDirectory = path.join(repository, "worker");
export const demoAssets = path.join(repository, "dist/demo");
export const wranglerToml = path.join(repository, "wrangler.toml");

function built(file, remedy) {
  if (!existsSync(file)) throw new Error(`\`${path.relative(repository, file)}\` is missing: ${remedy}`);
  return file;
}

export function simulatorBinary() {
  const target = process.env.CARGO_TARGET_DIR ?? "target";
  const given = process.env.SMARTCAR_SIMULATOR ?? path.resolve(repository, target, "debug/smartcar-simulator");
  return built(
    given,
    "run `cargo build -p smartcar-simulator`, or name the binary in `SMARTCAR_SIMULATOR`",
  );
}

/** The modules of the built Worker as Miniflare wants them, the entry first. */
export function workerModules() {
  const build = path.join(workerDirectory, "build");
  const script = built(path.join(build, "index.js"), "run `make build`");
  const wasm = readdirSync(build)
    .filter((name) => name.endsWith(".wasm"))
    .map((name) => ({ type: "CompiledWasm", path: path.join(build, name) }));
  const scripts = [path.join(workerDirectory, "entry.js"), script];
  return [...scripts.map((file) => ({ type: "ESModule", path: file })), ...wasm];
}

export function demoDirectory() {
  built(path.join(demoAssets, "index.html"), "run `make build`");
  return demoAssets;
}

/** The compatibility flags that are deployed. */
export function compatibilityFlags() {
  const found = /^compatibility_flags\s*=\s*(\[[^\]]*\])/m.exec(readFileSync(wranglerToml, "utf8"));
  return found ? JSON.parse(found[1]) : [];
}

/** The compatibility date that is deployed, so that the tests run on the same one. */
export function compatibilityDate() {
  const found = /^compatibility_date\s*=\s*"(\d{4}-\d{2}-\d{2})"/m.exec(readFileSync(wranglerToml, "utf8"));
  if (!found) throw new Error("`wrangler.toml` has no `compatibility_date`");
  return found[1];
}
