// Node and what resolves like it: the module is read and ready when the import is.
import { readFileSync } from "node:fs";
import { loadNow } from "./loader.js";

loadNow(readFileSync(new URL("./connect_bg.wasm", import.meta.url)));

/** There is nothing left to do: for code that also runs in a browser. */
export const init = async () => {};
export * from "./api.js";
