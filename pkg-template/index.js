// Browsers and bundlers. The one place with the module's address, in the form that bundlers look for. Where one leaves the file
// behind, or a server has another answer for its address, the module comes as a script.
import { setSource } from "./loader.js";

setSource({
  functions: () => import("./connect.js"),
  start: () => import("./start.js"),
  finish: () => import("./finish.js"),
  modules: [
    () => fetch(new URL("./connect_bg.wasm", import.meta.url)),
    async () => (await import("./connect_bg.wasm.js")).default(),
  ],
});

export * from "./api.js";
