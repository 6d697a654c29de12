// The built Worker with a clock that can be moved and alarms that can be run: the script itself is untouched, an entry
// module around it stands in for the platform's clock.
import path from "node:path";

import { send } from "./http.mjs";
import { workerBuild, workerModules } from "./paths.mjs";

const ENTRY = `
import { WorkerEntrypoint } from "cloudflare:workers";
import Built, { Vault as BuiltVault } from "./index.js";

const PlatformDate = Date;
let offset = 0;
const now = () => PlatformDate.now() + offset;
globalThis.Date = new Proxy(PlatformDate, {
  construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  get: (target, name) => (name === "now" ? now : Reflect.get(target, name)),
});

async function runAlarm(storage, vault) {
  const due = await storage.getAlarm();
  if (due === null || due > now()) return Response.json({ ran: false, due });
  await storage.deleteAlarm();
  await vault.alarm({ retryCount: 0, isRetry: false, scheduledTime: due });
  return Response.json({ ran: true, due, next: await storage.getAlarm() });
}

export const Vault = new Proxy(BuiltVault, {
  construct(target, args, newTarget) {
    const vault = Reflect.construct(target, args, newTarget);
    const [state] = args;
    return new Proxy(vault, {
      get(_, name) {
        if (name === "fetch") {
          return (request) =>
            new URL(request.url).pathname === "/__test/alarm" ? runAlarm(state.storage, vault) : vault.fetch(request);
        }
        const member = Reflect.get(vault, name);
        return typeof member === "function" ? member.bind(vault) : member;
      },
    });
  },
});

export default class extends WorkerEntrypoint {
  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/__test/clock") {
      offset = Number(searchParams.get("offset"));
      return new Response();
    }
    if (pathname === "/__test/alarm") {
      const { VAULT } = this.env;
      return VAULT.get(VAULT.idFromString(searchParams.get("id"))).fetch("https://vault/__test/alarm");
    }
    return new Built(this.ctx, this.env).fetch(request);
  }
}
`;

/** The modules for `startEdge`, the entry around the built Worker first. */
export function modulesWithClock() {
  const entry = { type: "ESModule", path: path.join(workerBuild, "with-clock.js"), contents: ENTRY };
  return [entry, ...workerModules()];
}

/** Moves the clock of every isolate to `offset` ms from now on the real clock. */
export async function setClock(edge, offset) {
  for (let isolate = 0; isolate < edge.isolates; isolate += 1) {
    await send(`${edge.at(isolate)}/__test/clock?offset=${offset}`, { method: "POST" });
  }
}

/**
 * Runs the alarm of one Durable Object if it is due.
 * @returns {Promise<{ran: boolean, due: number | null, next?: number | null}>} times in ms since the epoch
 */
export async function runAlarm(edge, id) {
  const answer = await send(`${edge.at(0)}/__test/alarm?id=${id}`, { method: "POST" });
  if (answer.status !== 200) throw new Error(`the alarm failed: ${answer.status} ${answer.text}`);
  return answer.json();
}
