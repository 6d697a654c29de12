// What of an answer of the Worker's is handed on: what its table names, and nothing that it does not allow.
import assert from "node:assert/strict";
import { test } from "node:test";

import { read } from "../../pkg-template/answers.js";

const CONNECTION = {
  id: "AAECAwQFBgcICQoLDA0ODw",
  status: "active",
  cause: null,
  since: 1,
  vehicles: [{ id: "v" }],
  vehiclesPending: false,
  apiVersion: "v2",
  connectedAt: 1,
  accessExpiresAt: 2,
  refreshExpiresAt: null,
  keptUntil: 3,
};
const CONNECTED = {
  kind: "connected",
  connection: CONNECTION,
  virtualKeyUrl: "https://www.tesla.com/_ak/a",
  asked: { scope: "read_vin", mode: "live" },
  replaced: [{ id: "c", takenOver: [{ id: "v" }], lost: [] }],
};
const OPTIONAL = ["vehiclesPending", "apiVersion", "keptUntil"];
const NULLABLE = ["cause", "accessExpiresAt", "refreshExpiresAt"];

const list = (connection) => read({ connections: [CONNECTION, connection] }, "ConnectionList")?.connections[1];

test("what the table names is handed on whole", () => {
  assert.deepEqual(list(CONNECTION), CONNECTION);
  for (const outcome of [CONNECTED, { kind: "no_vehicles" }, { kind: "reauthenticated", vehicleId: "v", connection: null }]) {
    assert.deepEqual(read(outcome, "FinishResponse"), outcome);
    const attempt = { status: "finished", outcome };
    assert.deepEqual(read(attempt, "AttemptResponse"), attempt);
  }
});

test("what no table names is left out, however deep", () => {
  const told = structuredClone(CONNECTED);
  for (const object of [told, told.connection, told.connection.vehicles[0], told.asked, told.replaced[0], told.replaced[0].takenOver[0]]) {
    object.accessToken = "leaked";
  }
  assert.deepEqual(read(told, "FinishResponse"), CONNECTED);
});

test("what must be there is missed, and what need not be is not", () => {
  for (const name of Object.keys(CONNECTION)) {
    for (const nothing of [undefined, null]) {
      const got = list({ ...CONNECTION, [name]: nothing });
      if (NULLABLE.includes(name)) assert.deepEqual(got, { ...CONNECTION, [name]: null });
      else if (OPTIONAL.includes(name)) assert.equal(name in got, false, name);
      else assert.equal(got, undefined, name);
    }
  }
});

test("what holds something else is refused", () => {
  for (const name of Object.keys(CONNECTION)) {
    const wrong = typeof CONNECTION[name] === "number" || NULLABLE.slice(1).includes(name) ? ["1", NaN, Infinity, {}] : [1, {}, []];
    // An empty list is one.
    for (const value of wrong.filter((one) => name !== "vehicles" || !Array.isArray(one))) {
      assert.equal(list({ ...CONNECTION, [name]: value }), undefined, `${name}: ${JSON.stringify(value)}`);
    }
  }
  for (const vehicles of [[null], ["v"], [{ id: 1 }], [{ id: "v" }, {}], { 0: { id: "v" } }, "v"]) {
    assert.equal(list({ ...CONNECTION, vehicles }), undefined, JSON.stringify(vehicles));
  }
  for (const answer of [undefined, null, 1, "text", true, {}, [], { connections: {} }, { connections: null }]) {
    assert.equal(read(answer, "ConnectionList"), undefined, JSON.stringify(answer));
  }
});

test("a status must be known, and a cause need not be", () => {
  assert.equal(list({ ...CONNECTION, status: "brilliant" }), undefined);
  assert.equal(list({ ...CONNECTION, status: "active|degraded" }), undefined);
  assert.equal(list({ ...CONNECTION, cause: "new_in_a_later_version" }).cause, "new_in_a_later_version");
});

test("an outcome is of a known kind", () => {
  for (const kind of ["granted", "new", "constructor", "toString", "__proto__", "kind=", 1, null, undefined]) {
    assert.equal(read({ ...CONNECTED, kind }, "FinishResponse"), undefined, String(kind));
    assert.equal(read({ status: "finished", outcome: { ...CONNECTED, kind } }, "AttemptResponse"), undefined, String(kind));
  }
});
