// The demo's back end, such as an app has of its own: it reads what a car says with the owner's token, which no page ever sees.
// For that it needs one of `SERVICE_KEYS`; without, the page shows no figures.
import worker, { Vault } from "./entry.js";

export { Vault };

/** What is read of a car, by Smartcar's name for it, and what the page gets of the answer. */
const READINGS = {
  /** In km. */
  odometer: ({ distance }) => distance,
  location: ({ latitude, longitude }) => ({ latitude, longitude }),
};
const DEADLINE_MS = 10_000;

export default {
  fetch(request, env, ctx) {
    const { pathname } = new URL(request.url);
    const [, vehicleId] = /^\/demo\/vehicles\/([\w-]+)$/.exec(pathname) ?? [];
    return vehicleId ? readings(request, env, ctx, vehicleId) : worker.fetch(request, env, ctx);
  },

  scheduled: worker.scheduled,
};

/** `{ odometer, location }`, each `null` if it is not to be had: the owner need not allow it. */
async function readings(request, env, ctx, vehicleId) {
  // Each reading counts against the app's limit at Smartcar: no page of another origin may cause one.
  if (request.headers.get("sec-fetch-site") !== "same-origin") return new Response(null, { status: 403 });
  const token = await tokenFor(request, env, ctx, vehicleId);
  const values = Object.entries(READINGS).map(async ([name, pick]) => [
    name,
    token ? await read(env, vehicleId, name, token).then(pick).catch(() => null) : null,
  ]);
  const headers = { "cache-control": "no-store" };
  return Response.json(Object.fromEntries(await Promise.all(values)), { headers });
}

/** The access token of the owner's connection with this car. */
async function tokenFor(request, env, ctx, vehicleId) {
  const [key] = (env.SERVICE_KEYS ?? "").split(",");
  const cookies = request.headers.get("cookie") ?? "";
  // A host has one jar for all its ports, and so for several demos.
  const sessions = [...cookies.matchAll(/(?:^|; )__Host-smartcar-connect[\w-]*=([^;]+)/g)].map(([, value]) => value);
  for (const session of key ? sessions : []) {
    const ask = new Request(new URL(`${env.PATH_PREFIX ?? "/smartcar"}/internal/token`, request.url), {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ session, vehicleId }),
    });
    const answer = await worker.fetch(ask, env, ctx);
    if (answer.ok) return (await answer.json()).accessToken;
  }
  return null;
}

async function read(env, vehicleId, name, token) {
  const smartcar = env.SMARTCAR_API_ORIGIN ?? "https://api.smartcar.com";
  const answer = await fetch(`${smartcar}/v2.0/vehicles/${vehicleId}/${name}`, {
    headers: { authorization: `Bearer ${token}`, "sc-unit-system": "metric" },
    redirect: "manual",
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  if (!answer.ok) throw new Error(`Smartcar answered ${answer.status}`);
  return answer.json();
}
