// The instrumented Worker with KV as a location has it: what was read a moment ago comes from memory. Miniflare's KV is an
// emulation that takes more of this machine's time than the Worker itself, where the real one takes none.
import path from "node:path";

import { send } from "../edge/harness/http.mjs";
import { instrumentedModules } from "../edge/harness/instrumented.mjs";
import { workerDirectory } from "../edge/harness/paths.mjs";

const ENTRY = `
import instrumented, { ApplicationToken, Vault, WebhookInbox } from "./instrumented.js";
export { ApplicationToken, Vault, WebhookInbox };

let remembers = false;
let remembering;
const remembered = new Map();

function remember(kv) {
  return new Proxy(kv, {
    get(target, name) {
      const member = Reflect.get(target, name);
      if (name !== "get") return typeof member === "function" ? member.bind(target) : member;
      return (key, ...options) => {
        if (!remembers) return member.call(target, key, ...options);
        if (!remembered.has(key)) remembered.set(key, member.call(target, key, ...options));
        return remembered.get(key);
      };
    },
  });
}

export default {
  fetch(request, env, ctx) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname !== "/__bench/memory") {
      remembering ??= { ...env, TOKENS: remember(env.TOKENS) };
      return instrumented.fetch(request, remembering, ctx);
    }
    remembers = searchParams.get("on") === "true";
    remembered.clear();
    return new Response();
  },
};
`;

/** The modules for `startEdge`. */
export function benchModules() {
  return [{ type: "ESModule", path: path.join(workerDirectory, "bench.js"), contents: ENTRY }, ...instrumentedModules()];
}

/** Lets every isolate remember what it reads of KV from now on, or read again each time; what it remembered is forgotten. */
export async function rememberReads(edge, on) {
  for (let isolate = 0; isolate < edge.isolates; isolate += 1) {
    await send(`${edge.at(isolate)}/__bench/memory?on=${on}`, { method: "POST" });
  }
}
