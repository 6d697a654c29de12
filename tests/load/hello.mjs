// The hello world of the crate `worker`, as `make bench` builds it.
import { existsSync } from "node:fs";
import path from "node:path";

import { repository } from "../edge/harness/paths.mjs";

export const helloDirectory = path.join(repository, "tests/load/peers/hello");

/** The modules for `startEdge`. */
export function helloModules() {
  const build = path.join(helloDirectory, "build");
  if (!existsSync(path.join(build, "index.js"))) throw new Error("the hello world is not built: run `make bench`");
  return [
    { type: "ESModule", path: path.join(build, "index.js") },
    { type: "CompiledWasm", path: path.join(build, "index_bg.wasm") },
  ];
}
