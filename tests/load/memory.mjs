// KV as a location has it: what has been read comes from memory. Miniflare's KV is an emulation that takes more of this
// machine's time than any of the Workers.
import path from "node:path";

/** Makes KV remember, and is `entry` otherwise. */
const remembering = (entry) => `
import { env } from "cloudflare:workers";

const namespace = Object.getPrototypeOf(env.TOKENS);
const { get } = namespace;
const remembered = new Map();
namespace.get = async function (name, ...options) {
  const known = remembered.get(name);
  if (known !== undefined) return known;
  const value = await get.call(this, name, ...options);
  if (value !== null) remembered.set(name, value);
  return value;
};

export * from "./${entry}";
export { default } from "./${entry}";
`;

/** The modules of a Worker whose entry is the first of `modules`, with a KV that remembers. */
export function withMemory(modules) {
  const [entry] = modules;
  const file = path.join(path.dirname(entry.path), "with-memory.js");
  return [{ type: "ESModule", path: file, contents: remembering(path.basename(entry.path)) }, ...modules];
}
