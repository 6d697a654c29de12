// Cloudflare Workers compile modules at deployment, and only then.
import module from "./connect_bg.wasm";
import { loadNow } from "./loader.js";

loadNow(module);

/** There is nothing left to do: for code that also runs in a browser. */
export const init = async () => {};
export * from "./api.js";
