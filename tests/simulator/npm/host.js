// What the module needs of Node.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import process from "node:process";

const LONGEST_MS = 2 ** 31 - 1;

/** Calls back after a while. The server keeps the process going, and nothing that is waited for does so longer. */
export function after(ms, done) {
  setTimeout(done, Math.min(ms, LONGEST_MS)).unref();
}

export function warn(line) {
  process.stderr.write(`${line}\n`);
}

/** Posts an event; resolves to the status of the answer. */
export async function post(url, body, signature, ms) {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", "user-agent": "Smartcar/simulator", "sc-signature": signature },
    body,
    redirect: "manual",
    signal: AbortSignal.timeout(ms),
  });
  await answer.body?.cancel();
  return answer.status;
}

/** `undefined` if there is none. */
export function readFile(path) {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** In one step: whoever is ended in between leaves the older file. */
export function replaceFile(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}
