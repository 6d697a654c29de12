// For pages that cannot fetch a second file: the module travels as text, and is compiled when first needed.
import * as functions from "./connect.js";
import bytes from "./connect_bg.wasm.js";
import { setSource } from "./loader.js";

setSource({ functions: () => functions, modules: [bytes] });

export * from "./api.js";
