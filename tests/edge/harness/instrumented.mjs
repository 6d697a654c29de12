// The built Worker with a clock that can be moved, alarms that can be run and Durable Objects that can be killed: the
// script itself is untouched, an entry module around it stands in for the platform.
import path from "node:path";

import { send } from "./http.mjs";
import { workerDirectory, workerModules } from "./paths.mjs";

const ENTRY = `
import { WorkerEntrypoint } from "cloudflare:workers";
import Built, { Vault as BuiltVault } from "./entry.js";

const PlatformDate = Date;
let offset = 0;
const now = () => PlatformDate.now() + offset;
globalThis.Date = new Proxy(PlatformDate, {
  construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  get: (target, name) => (name === "now" ? now : Reflect.get(target, name)),
});

let vaultCalls = 0;

// When the next Vault to write is to be killed: before or after its write number \`skip\` + 1 from now.
let plan = null;
async function reach(when, state) {
  if (plan?.when !== when) return;
  plan.skip -= 1;
  if (plan.skip >= 0) return;
  plan = null;
  // Later, not here: \`abort\` ends JavaScript at once, and WebAssembly that is on the stack would be left in the middle.
  await new Promise(() => setTimeout(() => state.abort("killed by the test"), 0));
}
// How many writes each Vault is at. One that was killed takes its own along.
const writing = new WeakMap();
function watchWrites(state) {
  const { storage } = state;
  const put = storage.put.bind(storage);
  writing.set(storage, 0);
  storage.put = async (...args) => {
    writing.set(storage, writing.get(storage) + 1);
    await reach("before", state);
    const written = await put(...args);
    await storage.sync();
    await reach("after", state);
    writing.set(storage, writing.get(storage) - 1);
    return written;
  };
}

async function owed(storage) {
  const due = await storage.getAlarm();
  return Response.json({ writing: writing.get(storage), wait: due === null ? null : due - now() });
}

async function runAlarm(storage, vault) {
  const due = await storage.getAlarm();
  if (due === null || due > now()) return Response.json({ ran: false, due });
  await storage.deleteAlarm();
  await vault.alarm({ retryCount: 0, isRetry: false, scheduledTime: due });
  return Response.json({ ran: true, due, next: await storage.getAlarm() });
}

function control(pathname, state, vault) {
  if (pathname === "/__test/kill") state.abort("killed by the test");
  if (pathname === "/__test/owed") return owed(state.storage);
  if (pathname === "/__test/keys") return state.storage.list().then((entries) => Response.json([...entries.keys()]));
  return runAlarm(state.storage, vault);
}

export class Vault extends BuiltVault {
  constructor(state, env) {
    watchWrites(state);
    super(state, env);
  }

  ask(request) {
    vaultCalls += 1;
    return super.ask(request);
  }

  /** The built Vault has no \`fetch\`: whatever comes is for the tests. */
  fetch(request) {
    return control(new URL(request.url).pathname, this.ctx, this);
  }
}

export default class extends WorkerEntrypoint {
  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/__test/clock") {
      offset = Number(searchParams.get("offset"));
      return new Response();
    }
    if (pathname === "/__test/plan") {
      if (request.method === "GET") return Response.json(plan);
      plan = { when: searchParams.get("when"), skip: Number(searchParams.get("skip")) };
      return new Response();
    }
    if (pathname === "/__test/calls") return Response.json(vaultCalls);
    if (pathname.startsWith("/__test/")) {
      const { VAULT } = this.env;
      return VAULT.get(VAULT.idFromString(searchParams.get("id"))).fetch("https://vault" + pathname);
    }
    return new Built(this.ctx, this.env).fetch(request);
  }

  scheduled(controller) {
    return new Built(this.ctx, this.env).scheduled(controller);
  }
}
`;

/** The modules for `startEdge`, the entry around the built Worker first. */
export function instrumentedModules() {
  const entry = { type: "ESModule", path: path.join(workerDirectory, "instrumented.js"), contents: ENTRY };
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

/** Ends one Durable Object at once, whatever it is at; the requests that it was answering fail. */
export async function kill(edge, id) {
  await send(`${edge.at(0)}/__test/kill?id=${id}`, { method: "POST" });
}

/** Lets the next Durable Object that writes to its storage end `before` or `after` that write; `skip` writes go by first. */
export async function killAtWrite(edge, when, skip = 0) {
  await send(`${edge.at(0)}/__test/plan?when=${when}&skip=${skip}`, { method: "POST" });
}

/** Whether the kill that was planned has happened. */
export async function wasKilled(edge) {
  return (await send(`${edge.at(0)}/__test/plan`)).json() === null;
}

/** How many writes a Durable Object is at, and in how many ms its alarm is due; `null` if none is set. */
export async function owed(edge, id) {
  return (await send(`${edge.at(0)}/__test/owed?id=${id}`, { method: "POST" })).json();
}

/** The names of all that one Durable Object stores. */
export async function storedKeys(edge, id) {
  return (await send(`${edge.at(0)}/__test/keys?id=${id}`)).json();
}

/** How many requests the Durable Objects have answered. */
export async function vaultCalls(edge) {
  return (await send(`${edge.at(0)}/__test/calls`)).json();
}
