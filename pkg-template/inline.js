// For pages that cannot fetch a second file: the module travels as text, and is compiled when first needed.
import text from "./connect_bg.wasm.js";
import { load, setDefaultInput } from "./loader.js";

setDefaultInput(() => Uint8Array.from(atob(text), (symbol) => symbol.charCodeAt(0)));

export const init = (input) => load(input);
export * from "./api.js";
