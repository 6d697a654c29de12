// Compiled, never run: a back end in Node, whose types declare `URL` and `Response` without the DOM's library.
import { readFile } from "node:fs/promises";

import { checkCallback, init } from "smartcar-connect";

export const granted = (requestUrl: URL, state: string) =>
  checkCallback(requestUrl, { state, redirectUri: "https://app.example/" }).kind;

export const load = async () => {
  await init(await readFile("connect.wasm"));
  await init(await fetch("https://app.example/connect.wasm"));
  await init(new URL("https://app.example/connect.wasm"));
};
// @ts-expect-error not an address
export const nonsense = () => checkCallback(1, { state: "s", redirectUri: "https://app.example/" });
