// Which requests are admitted, for every kind of caller and of route: by `Origin`, `Sec-Fetch-Site` and our own header. What is
// expected follows from the rule below and not from the Worker.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";

import { SCOPES } from "../harness/api.mjs";
import { openCallers } from "../harness/callers.mjs";
import { mintState } from "../harness/client.mjs";
import { operations } from "../harness/operations.mjs";

const APP = "https://app.example";
const { env, kinds, close } = await openCallers({
  adjust: (values) => ({ ...values, ALLOWED_ORIGINS: `${values.ALLOWED_ORIGINS},${APP}` }),
});
after(close);

const ALLOWED = new Set([env.page, APP]);
const ORIGINS = {
  absent: undefined,
  "the Worker's own": env.page,
  exact: APP,
  foreign: "https://evil.example",
  null: "null",
  "with a suffix": `${APP}.evil.example`,
  "with a prefix": "https://evil-app.example",
  "of a sibling host": "https://www.app.example",
  "of another port": `${APP}:8443`,
  "in another case": "https://APP.example",
  "with a trailing dot": `${APP}.`,
  "of another scheme": "http://app.example",
};
const SITES = [undefined, "same-origin", "same-site", "cross-site", "none"];
const OURS = [undefined, "smartcar-connect"];

const every = (origins) =>
  Object.entries(origins).flatMap(([name, origin]) => SITES.flatMap((site) => OURS.map((ours) => ({ name, origin, site, ours }))));
const MATRIX = every(ORIGINS);
/** For what is not worth all of it: who may, who may not, and the two in which the rules differ. */
const CORNERS = [
  { name: "exact", origin: APP, site: "cross-site", ours: "smartcar-connect" },
  { name: "exact", origin: APP, site: "cross-site", ours: undefined },
  { name: "foreign", origin: ORIGINS.foreign, site: "cross-site", ours: undefined },
  { name: "absent", origin: undefined, site: undefined, ours: undefined },
];
const ODOMETER = "GET /api/v2.0/vehicles/{vehicleId}/odometer";
/** One operation or two of each kind of route have the whole matrix, and all others the corners. */
const WHOLE = new Set([
  "POST /connect/start",
  "POST /connect/login",
  "POST /session",
  "DELETE /connections/{id}",
  "GET /connections",
  "GET /vehicles",
  ODOMETER,
  "POST /api/v2.0/vehicles/{vehicleId}/security",
  "GET /api/v3/vehicles/{vehicleId}/signals/{signalCode}",
  "POST /api/v3/vehicles/{vehicleId}/commands/security/unlock",
  "POST /internal/token",
  "GET /healthz",
]);

/** What has to come of a request: `admitted`, or the code of the problem. */
function expected(kind, { does, method, template }, { origin, site, ours }) {
  if (does === "public" || does === "signed") return "admitted";
  if (does === "internal") return kind.backEnd ? "admitted" : "service_key_rejected";
  // Only its owner can send it: no page makes a browser do so. But what is claimed belongs to the cookie that comes along.
  if (!kind.ambient && does !== "claims") return "admitted";
  if (does === "navigates") {
    if (template === "/connect/callback") return "admitted";
    // A link's page says more of itself than stands in the matrix.
    if (method === "GET") return "origin_not_allowed";
    const isOwnPage = site === "same-origin" && (origin === undefined || origin === "null");
    return isOwnPage || (ALLOWED.has(origin) && site !== "cross-site") ? "admitted" : "origin_not_allowed";
  }
  const isOfAllowedPage = origin === undefined ? site === "same-origin" : ALLOWED.has(origin);
  // The address bar and a bookmark are no page, and what names neither is no browser of today.
  const isOfPage = origin !== undefined || !(site === undefined || site === "none");
  if (does === "changes" || does === "claims") {
    if (!isOfAllowedPage) return "origin_not_allowed";
    return ours ? "admitted" : "header_missing";
  }
  // To nobody there is nothing to tell. With our header, a browser has asked first whether the page may.
  if (!kind.owns || isOfAllowedPage || ours) return "admitted";
  return does === "asks" || isOfPage ? "header_missing" : "admitted";
}

const REFUSALS = new Set(["origin_not_allowed", "header_missing", "service_key_rejected"]);

/** A request that shows whether it is admitted, and changes nothing then: what it lacks is looked at afterwards. */
function harmless({ name, method, template, does, isPassedOn }, vehicleId) {
  const values = { vehicleId, signalCode: "odometer-traveleddistance", scheduleId: "sched_1", fingerprint: mintState().fingerprint, id: randomBytes(16).toString("base64url") };
  const path = template.replace(/\{(\w+)\}/g, (_, parameter) => values[parameter]);
  if (does === "navigates") return { path: `${path}?return_to=//elsewhere.example` };
  if (method === "GET" || name === "DELETE /connections/{id}") return { path };
  if (method === "POST" && !isPassedOn) return { path, type: "application/json", body: does === "changes" ? "{}" : '{"x":1}' };
  return { path, type: "text/plain", body: "x" };
}

/** Sends one request, and returns what is wrong with its answer. */
async function judge(kind, caller, operation, asked, vehicleId) {
  const { path, type, body } = harmless(operation, vehicleId);
  const headers = { origin: asked.origin, "sec-fetch-site": asked.site, "x-requested-with": asked.ours, "content-type": type };
  const answer = await caller.request(operation.method, path, { headers, body });
  // A page has the code too.
  const code = answer.status >= 400 ? (/data-outcome="(\w+)"/.exec(answer.text)?.[1] ?? answer.json().code) : undefined;
  const verdict = REFUSALS.has(code) ? code : "admitted";
  const wanted = expected(kind, operation, asked);
  const said = `${operation.name}, Origin ${asked.name}, Sec-Fetch-Site ${asked.site}, X-Requested-With ${asked.ours}`;
  const wrong = [];
  if (verdict !== wanted) wrong.push(`${said}: ${verdict}, not ${wanted}`);
  if (answer.status >= 500) wrong.push(`${said}: ${answer.status} ${answer.text}`);
  const readableBy = ALLOWED.has(asked.origin) ? asked.origin : undefined;
  if (answer.headers["access-control-allow-origin"] !== readableBy) wrong.push(`${said}: readable by ${readableBy}`);
  return { verdict, wrong };
}

let cars;
before(async () => {
  cars = (await env.simulator.configure({})).vehicles.map(({ id }) => id);
});

for (const kind of kinds) {
  test(`${kind.name}: a request is admitted if its caller meant it, and refused otherwise`, async () => {
    const caller = await kind.caller(`matrix-${kinds.indexOf(kind)}`);
    const vehicleId = cars[kinds.indexOf(kind) % cars.length];
    const connection = kind.owns ? await env.connected(caller, { vehicles: [vehicleId], scopes: SCOPES }) : undefined;
    const asked = async () => (await env.simulator.requests()).filter(({ path }) => path.includes(`/vehicles/${vehicleId}`));
    const earlier = (await asked()).length;
    const seen = {};
    const wrong = [];
    let reads = 0;
    for (const operation of operations()) {
      for (const headers of WHOLE.has(operation.name) ? MATRIX : CORNERS) {
        const one = await judge(kind, caller, operation, headers, vehicleId);
        wrong.push(...one.wrong);
        seen[one.verdict] = (seen[one.verdict] ?? 0) + 1;
        if (operation.name === ODOMETER && one.verdict === "admitted") reads += 1;
      }
    }
    assert.deepEqual(wrong, []);
    assert.deepEqual(Object.keys(seen).sort(), verdictsOf(kind));

    // What was refused did not reach Smartcar, and nothing that was admitted changed anything.
    const heard = (await asked()).slice(earlier);
    for (const { method, path } of heard) assert.equal(method, "GET", path);
    const odometers = heard.filter(({ path }) => path.endsWith("/odometer")).length;
    assert.equal(odometers, kind.owns ? reads : 0);
    if (!kind.owns) return;
    const { connections } = (await caller.get("/connections")).json();
    // Some of the reads take what was not granted, and nothing else is amiss.
    assert.deepEqual(connections.map(({ id, cause }) => [id, cause]), [[connection.id, "permission_missing"]]);
  });
}

function verdictsOf(kind) {
  const refusals = kind.backEnd ? [] : ["service_key_rejected"];
  return ["admitted", "header_missing", "origin_not_allowed", ...refusals];
}
