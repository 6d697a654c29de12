// What is right and wrong with settings: the same code as in the Worker, from Rust.
import { readFileSync } from "node:fs";

import { appOrigin, examine, initSync, redirectUriProblem, settingProblem } from "./doctor.js";

initSync({ module: readFileSync(new URL("./doctor_bg.wasm", import.meta.url)) });

export { appOrigin, redirectUriProblem, settingProblem };

/**
 * Looks at a deployment.
 * @param {{ configuration: string, syntax: "toml" | "jsonc", secrets: object, redirectUris: string[] }} deployment
 * @returns {{ mark: "good" | "bad" | "note", about: string, text: string }[]}
 */
export function findings(deployment) {
  return JSON.parse(examine(JSON.stringify(deployment)));
}
