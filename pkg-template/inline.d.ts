// The same functions; the module travels with the script.
export * from "./index.js";
