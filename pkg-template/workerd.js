// Cloudflare Workers compile modules at deployment, and only then. It is started when first needed.
import * as functions from "./connect.js";
import module from "./connect_bg.wasm";
import { setSource } from "./loader.js";

setSource({
  functions: () => functions,
  modules: [() => module],
  start: () => import("./start.js"),
  finish: () => import("./finish.js"),
  isImmediate: true,
});

export * from "./api.js";
