// Two people of every kind of caller, on every route that is described: nobody sees, changes or uses what is another's.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { SCOPES, askedOf } from "../harness/api.mjs";
import { openCallers, ticketFor } from "../harness/callers.mjs";
import { mintState } from "../harness/client.mjs";
import { operations } from "../harness/operations.mjs";

const { env, kinds, close } = await openCallers({
  adjust: (values) => ({ ...values, API_ALLOW: "control_pin,control_trunk,read_user_profile" }),
});
after(close);

let count = 0;
const [car] = (await env.simulator.configure({})).vehicles;
const cars = Array.from({ length: 2 * kinds.length * kinds.length }, (_, n) => ({ ...car, id: `car-${n}-of-somebody`, vin: `VIN-${n}-` }));
await env.simulator.configure({ vehicles: cars });

const own = (status, found) => ({ status, found });
const refused = (...codes) => ({ codes });
/** An attempt of the attacker's own; a back end has no browser. */
const begun = (kind) => (kind.backEnd ? refused("invalid_parameter") : own(303));
const NOT_FOUND = refused("connection_not_found", "session_missing");
/** To whom an internal route is closed anyway; the back end names the other user's, or its own. */
const INTERNAL = (ofBackEnd) => (attacker) => (attacker.kind.backEnd ? ofBackEnd : refused("service_key_rejected"));

/**
 * For each operation, how the attacker asks for what is the victim's, and what has to come of it. `path` and `body` are made of the
 * victim's things. `turn` puts off what changes who the attacker is, and then what ends something of the attacker's own.
 */
const ATTACKS = {
  "POST /connect/start": {
    // With the victim's own fingerprint: the attempt stays the victim's.
    body: ({ fingerprint }) => ({ stateFingerprint: fingerprint, redirectUri: env.redirectUri }),
    comes: () => own(200),
    turn: 1,
  },
  "POST /connect/finish": {
    body: ({ state, code }) => ({ callback: `?code=${code}&state=${state}` }),
    comes: () => refused("state_unknown", "session_missing"),
  },
  // A link's page says more of itself than these headers.
  "GET /connect/login": { comes: ({ kind }) => (kind.ambient ? refused("origin_not_allowed") : begun(kind)) },
  "POST /connect/login": { comes: ({ kind }) => begun(kind), turn: 1 },
  // On its second visit, with the victim's own state and code.
  "GET /connect/callback": {
    query: ({ code, state }) => `?code=${code}&state=${state}&visit=2`,
    comes: ({ kind }) => refused(...(kind.backEnd ? ["invalid_parameter"] : ["state_unknown", "session_missing"])),
  },
  "GET /connect/attempts/{fingerprint}": { comes: () => refused("state_unknown", "session_missing") },
  "GET /connections": { comes: ({ connection }) => own(200, connection?.id) },
  "GET /connections/{id}": { comes: () => NOT_FOUND },
  "DELETE /connections/{id}": { comes: () => NOT_FOUND },
  "POST /connections/{id}/reconnect": {
    body: ({ redirectUri = env.redirectUri }) => ({ stateFingerprint: mintState().fingerprint, redirectUri }),
    comes: () => NOT_FOUND,
  },
  "GET /vehicles": { comes: ({ vehicleId, connection }) => own(200, connection && vehicleId) },
  "POST /session": {
    body: ({ usedTicket }) => ({ ticket: usedTicket }),
    comes: ({ kind }) => refused(kind.backEnd ? "invalid_parameter" : "ticket_rejected"),
  },
  // No ticket beside a token of the log-in, and none that was used.
  "POST /session/claim": {
    body: ({ usedTicket }) => ({ ticket: usedTicket }),
    comes: () => refused("invalid_parameter", "ticket_rejected"),
  },
  "POST /internal/token": { body: ({ id }) => ({ connectionId: id }), comes: INTERNAL(refused("connection_not_found")) },
  "POST /internal/sessions": { body: (_, attacker) => ({ user: attacker.user }), comes: INTERNAL(own(200)) },
  "POST /internal/import": { body: () => ({ refreshToken: "of-nobody" }), comes: INTERNAL(refused("reconnection_required")) },
  // It is of everybody, and not for one who is named.
  "GET /internal/connections": { comes: INTERNAL(refused("invalid_parameter")) },
  "GET /internal/migration": { comes: INTERNAL(refused("invalid_parameter")) },
  "POST /internal/migration": { comes: INTERNAL(refused("endpoint_not_allowed")) },
  "GET /internal/rotation": { comes: INTERNAL(own(200)) },
  "POST /webhooks": { body: () => ({ eventType: "VERIFY" }), comes: () => own(404) },
  "GET /openapi.json": { comes: () => own(200) },
  "GET /healthz": { comes: () => own(200) },
  "DELETE /session": { query: "?everywhere", comes: () => own(204), turn: 2 },
  "DELETE /connections": { comes: () => own(204), turn: 2 },
};

const PASSED_ON = { body: bodyOfCommand, comes: () => NOT_FOUND };

function bodyOfCommand(_, __, { template }) {
  if (template.endsWith("/batch")) return { requests: [{ path: "/odometer" }, { path: "/location" }] };
  if (template.startsWith("/api/v3/")) return { data: { attributes: { percent: 80 } } };
  return { action: "UNLOCK" };
}

const attacks = operations()
  .map((operation) => ({ operation, ...(operation.isPassedOn ? PASSED_ON : ATTACKS[operation.name]) }))
  .sort((a, b) => (a.turn ?? 0) - (b.turn ?? 0));

test("every route that is described is attacked", () => {
  assert.deepEqual(attacks.filter(({ comes }) => !comes).map(({ operation }) => operation.name), []);
  assert.ok(attacks.length > 60, `${attacks.length} operations`);
});

/** Somebody of this kind, with a car and a connection where the kind has any. */
async function somebody(kind) {
  count += 1;
  const [user, vehicle] = [`somebody-${count}`, cars[count - 1]];
  const client = await kind.caller(user);
  const grant = { vehicles: [vehicle.id], user: `${user}@example.com`, scopes: SCOPES };
  const connection = kind.owns ? await env.connected(client, grant) : undefined;
  // With its quotation marks: no name is the beginning of another.
  const principal = kind.owns ? JSON.stringify(kind.principal(user, client)) : undefined;
  return { kind, user, client, grant, principal, vehicleId: vehicle.id, vin: vehicle.vin, connection };
}

/** Somebody with all that can be somebody's: a connection, a car, an attempt with its code, and a ticket. */
async function victimOf(kind) {
  const victim = await somebody(kind);
  const usedTicket = await ticketFor(env, victim.user);
  const guest = env.client();
  assert.equal((await guest.post("/session", { ticket: usedTicket })).status, 200);
  const { state, fingerprint } = await victim.client.start();
  const code = await env.consent(victim.grant);
  return { ...victim, id: victim.connection.id, usedTicket, state, fingerprint, code };
}

/** The code of a problem, which a page has too. */
const codeOf = (answer) => /data-outcome="(\w+)"/.exec(answer.text)?.[1] ?? answer.json().code;

/** Sends one attack, and returns what is wrong with what came of it. */
async function attack(attacker, victim, { operation, body, comes, query = "" }) {
  const { method, template } = operation;
  const values = { signalCode: "location-preciselocation", scheduleId: "sched_1", ...victim };
  const path = template.replace(/\{(\w+)\}/g, (_, parameter) => values[parameter]) + (typeof query === "function" ? query(victim) : query);
  const json = method === "GET" || body === undefined ? undefined : JSON.stringify(body(victim, attacker, operation));
  const answer = await attacker.client.request(method, path, { headers: attacker.client.guards, body: json });
  const wrong = [];
  const wanted = comes(attacker);
  if (wanted.codes) {
    const code = answer.status >= 400 ? codeOf(answer) : "none";
    if (!wanted.codes.includes(code)) wrong.push(`${answer.status} ${answer.text}`);
  } else if (answer.status !== wanted.status) wrong.push(`${answer.status} ${answer.text}`);
  if (wanted.found && !answer.text.includes(wanted.found)) wrong.push(`lacks the attacker's own: ${answer.text}`);
  const told = `${answer.text}${answer.setCookie}`;
  for (const what of [victim.id, victim.vehicleId, victim.vin, victim.state, victim.code, victim.principal]) {
    if (what && told.includes(what)) wrong.push(`tells ${what}`);
  }
  return wrong.map((text) => `${operation.name}: ${text}`);
}

for (const kind of kinds.filter(({ owns }) => owns)) {
  for (const other of kinds) {
    test(`${other.name} gets nothing of what belongs to ${kind.name}, on any route`, async () => {
      const victim = await victimOf(kind);
      const attacker = await somebody(other);
      const before = await victim.client.connections();
      const wrong = [];
      const earlier = (await askedOf(env.simulator)).length;
      for (const one of attacks) wrong.push(...(await attack(attacker, victim, one)));
      assert.deepEqual(wrong, []);

      // Smartcar heard nothing of the victim's car, and all that was the victim's is as it was.
      const asked = (await askedOf(env.simulator)).slice(earlier);
      assert.deepEqual(asked.filter(({ path }) => path.includes(victim.vehicleId)), []);
      assert.deepEqual(await victim.client.connections(), before);
      const location = await victim.client.get(`/api/v2.0/vehicles/${victim.vehicleId}/location`);
      assert.equal(location.status, 200, location.text);
      assert.equal((await victim.client.get(`/connect/attempts/${victim.fingerprint}`)).json().status, "pending");
      const finished = await victim.client.finish({ code: victim.code, state: victim.state });
      assert.equal(finished.json().kind, "connected", finished.text);
    });
  }
}
