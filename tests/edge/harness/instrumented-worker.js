// Around the built Worker, whose script is untouched: a clock that can be moved, alarms that ring when a test says so,
// Durable Objects that can be killed, and data points that are kept. `instrumented.mjs` speaks to it.
import built, { Vault as BuiltVault, WebhookInbox as BuiltWebhookInbox } from "./entry.js";

const PlatformDate = Date;
let offset = 0;
const now = () => PlatformDate.now() + offset;
globalThis.Date = new Proxy(PlatformDate, {
  construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  get: (target, name) => (name === "now" ? now : Reflect.get(target, name)),
});

// An alarm is kept this much later than it is due, so that the platform does not ring it between two steps of a test.
const LATER = 100 * 365 * 24 * 60 * 60 * 1000;
function keepAlarms(storage) {
  const [setAlarm, getAlarm] = [storage.setAlarm.bind(storage), storage.getAlarm.bind(storage)];
  storage.setAlarm = (at, ...options) => {
    rowsWritten += 1;
    return setAlarm(Number(at) + LATER, ...options);
  };
  storage.getAlarm = async (...options) => {
    const kept = await getAlarm(...options);
    return kept === null ? null : kept - LATER;
  };
}

// When a Vault is to be killed, this one or whichever is next: before or after its write number `skip` + 1 from now.
let plan = null;
async function reach(when, state) {
  if (plan?.when !== when || (plan.vault && plan.vault !== state.id.toString())) return;
  plan.skip -= 1;
  if (plan.skip >= 0) return;
  plan = null;
  // Later, not here: `abort` ends JavaScript at once, and WebAssembly that is on the stack would be left in the middle.
  await new Promise(() => setTimeout(() => state.abort("killed by the test"), 0));
}

// The platform takes no more keys at once: https://developers.cloudflare.com/durable-objects/api/storage-api/. The local runtime
// takes any number.
const MOST_KEYS = 128;
let mostKeysSeen = 0;
// What Cloudflare counts as rows written: a key that is put or deleted, and an alarm that is set or deleted.
let rowsWritten = 0;
function refuseTooMany(keys) {
  mostKeysSeen = Math.max(mostKeysSeen, keys);
  rowsWritten += keys;
  if (keys > MOST_KEYS) throw new RangeError(`${keys} keys at once; the platform takes ${MOST_KEYS}`);
}

// How many writes each Vault is at. One that was killed takes its own along.
const writing = new WeakMap();
function watchWrites(state) {
  const { storage } = state;
  const put = storage.put.bind(storage);
  const remove = storage.delete.bind(storage);
  writing.set(storage, 0);
  storage.delete = (keys, ...options) => {
    refuseTooMany(Array.isArray(keys) ? keys.length : 1);
    return remove(keys, ...options);
  };
  storage.put = async (...args) => {
    refuseTooMany(typeof args[0] === "object" ? Object.keys(args[0]).length : 1);
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

/** As many records of a kind as no owner has. */
async function fill(storage) {
  for (let n = 0; n < 300; n += 1) storage.put({ [`pending/filled-${n}`]: "no record" });
  await storage.sync();
  return Response.json(null);
}

async function runAlarm(storage, vault) {
  const due = await storage.getAlarm();
  if (due === null || due > now()) return Response.json({ ran: false, due });
  await storage.deleteAlarm();
  await vault.alarm({ retryCount: 0, isRetry: false, scheduledTime: due });
  return Response.json({ ran: true, due, next: await storage.getAlarm() });
}

function controlVault({ pathname }, state, vault, request) {
  if (pathname === "/__test/kill") state.abort("killed by the test");
  if (pathname === "/__test/fill") return fill(state.storage);
  if (pathname === "/__test/owed") return owed(state.storage);
  if (pathname === "/__test/keys") return state.storage.list().then((entries) => Response.json([...entries.keys()]));
  if (pathname === "/__test/records") return state.storage.list().then((entries) => Response.json([...entries]));
  if (pathname === "/__test/ask") return request.text().then((asked) => vault.ask(asked)).then((reply) => new Response(reply));
  return runAlarm(state.storage, vault);
}

const points = [];
let metricsFail = false;
const METRICS = {
  writeDataPoint(point) {
    if (metricsFail) throw new Error("the dataset is broken");
    points.push(point);
  },
};
// The binding of a rate limit: of so many there are no more under one key, however long a test takes.
const admitted = new Map();
const limited = (name, most) => ({
  limit: async ({ key }) => {
    if (most === "fails") throw new Error(`no answer for ${key}`);
    const counted = `${name} ${key}`;
    admitted.set(counted, (admitted.get(counted) ?? 0) + 1);
    return { success: admitted.get(counted) <= Number(most) };
  },
});
const measured = (env) => ({
  ...env,
  ...(env.KEEP_POINTS ? { METRICS } : {}),
  ...(env.STARTS_ADMITTED ? { START_LIMIT: limited("start", env.STARTS_ADMITTED) } : {}),
  ...(env.FINISHES_ADMITTED ? { FINISH_LIMIT: limited("finish", env.FINISHES_ADMITTED) } : {}),
  ...(env.REQUESTS_ADMITTED ? { API_LIMIT: limited("api", env.REQUESTS_ADMITTED) } : {}),
});

let vaultCalls = 0;
// The Vault that fails whatever it is asked, if any.
let failing = null;
export { ApplicationToken } from "./entry.js";

export class Vault extends BuiltVault {
  constructor(state, env) {
    watchWrites(state);
    keepAlarms(state.storage);
    super(state, measured(env));
  }

  ask(request) {
    vaultCalls += 1;
    if (this.ctx.id.toString() === failing) throw new Error("it fails for the test");
    return super.ask(request);
  }

  /** The built Vault has no `fetch`: whatever comes is for the tests. */
  fetch(request) {
    return controlVault(new URL(request.url), this.ctx, this, request);
  }
}

/** An inbox for webhooks: its clock, alarms and end are in the hands of the test as a Vault's are. */
export class WebhookInbox extends BuiltWebhookInbox {
  constructor(state, env) {
    watchWrites(state);
    keepAlarms(state.storage);
    super(state, measured(env));
  }

  /** The built inbox has no `fetch` either. */
  fetch(request) {
    return controlVault(new URL(request.url), this.ctx, this, request);
  }
}

const controls = {
  "/__test/clock": (parameters) => {
    offset = Number(parameters.get("offset"));
  },
  "/__test/plan": (parameters) => {
    plan = { when: parameters.get("when"), skip: Number(parameters.get("skip")), vault: parameters.get("vault") };
  },
  "/__test/planned": () => plan,
  "/__test/fail": (parameters) => {
    failing = parameters.get("vault");
  },
  "/__test/calls": () => vaultCalls,
  "/__test/rows": () => rowsWritten,
  "/__test/most-keys": () => mostKeysSeen,
  "/__test/rate-keys": () => [...admitted.keys()],
  "/__test/points": () => points,
  "/__test/metrics": (parameters) => {
    metricsFail = parameters.get("fail") === "true";
  },
};

export default {
  async fetch(request, env, ctx) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname in controls) return Response.json(controls[pathname](searchParams) ?? null);
    if (pathname.startsWith("/__test/")) {
      const id = searchParams.get("id");
      const namespace = env[searchParams.get("of") ?? "VAULT"];
      return namespace.get(namespace.idFromString(id)).fetch("https://vault" + pathname, request);
    }
    return built.fetch(request, measured(env), ctx);
  },

  scheduled(controller, env, ctx) {
    return built.scheduled(controller, measured(env), ctx);
  },
};
