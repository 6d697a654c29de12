// What `import module from "smartcar-connect/connect.wasm"` means in Cloudflare Workers. A bundler that makes an address of it
// declares so itself, as Vite does for `…?url`.

/** The compiled module. */
declare const module: typeof globalThis extends { WebAssembly: { Module: { prototype: infer Instance } } }
  ? Instance
  : unknown;
export default module;
