// Copies what a browser loads of the package to where the page is served: no build, no bundler.
import { cpSync, mkdirSync, readdirSync } from "node:fs";

const from = "node_modules/smartcar-connect";
const to = "public/smartcar-connect";
mkdirSync(to, { recursive: true });
for (const name of readdirSync(from).filter((name) => /\.(js|wasm)$/.test(name))) cpSync(`${from}/${name}`, `${to}/${name}`);
