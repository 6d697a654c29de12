// Browsers and bundlers. The one place with the module's address, in the form that bundlers look for.
import { load, setDefaultInput } from "./loader.js";

setDefaultInput(() => new URL("./connect_bg.wasm", import.meta.url));

export const init = (input) => load(input);
export * from "./api.js";
