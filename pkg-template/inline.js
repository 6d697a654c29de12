// For pages that cannot fetch a second file: the module travels as text, and is compiled when first needed.
import * as functions from "./connect.js";
import bytes from "./connect_bg.wasm.js";
import * as finish from "./finish.js";
import { setSource } from "./loader.js";
import * as start from "./start.js";

setSource({ functions: () => functions, modules: [bytes], start: () => start, finish: () => finish });

export * from "./api.js";
