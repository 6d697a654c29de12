// Node, what resolves like it, and what is bundled for a server: there no file may be beside the script, so that the module
// travels as text. It is compiled when first needed, also by a synchronous call.
import * as functions from "./connect.js";
import bytes from "./connect_bg.wasm.js";
import { setSource } from "./loader.js";

setSource({
  functions: () => functions,
  modules: [bytes],
  start: () => import("./start.js"),
  finish: () => import("./finish.js"),
  isImmediate: true,
});

export * from "./api.js";
