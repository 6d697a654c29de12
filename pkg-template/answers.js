// What the answers of the Worker hold. Only what a table names is handed on, so that a page gets what the types promise and nothing else.
//
// The tables are those of the Worker (`src/http_api`); a test compares them, and writes them anew with
// `UPDATE_ANSWERS=1 cargo test --all-features --lib answers`.

/**
 * By its name with `?`, a field may be missing; with `|null` too, and is `null` then. It holds a `text`, a `number`, a `flag`, one of
 * some words, what a table says, an array of these in brackets, or one of several objects, which `kind` tells apart.
 */
const TABLES = {
  Asked: {
    "mode?": "live|simulated|test",
    "scope?": "text",
  },
  AttemptResponse: {
    "outcome?": "FinishResponse",
    status: "pending|exchanging|finished",
  },
  ClaimResponse: {
    connections: "number",
    "endsAt|null": "number",
  },
  Connection: {
    "accessExpiresAt|null": "number",
    "apiVersion?": "text",
    "cause|null": "text",
    connectedAt: "number",
    id: "text",
    "keptUntil?": "number",
    "refreshExpiresAt|null": "number",
    since: "number",
    status: "active|degraded|reauthentication_required|reconnection_required",
    vehicles: ["ListedVehicle"],
    "vehiclesPending?": "flag",
  },
  ConnectionList: {
    connections: ["Connection"],
  },
  FinishResponse: {
    "kind=": {
      access_denied: {
        "description?": "text",
        kind: "text",
      },
      configuration_error: {
        "description?": "text",
        "errorMessage?": "text",
        kind: "text",
        "statusCode?": "text",
      },
      connected: {
        "asked?": "Asked",
        connection: "Connection",
        kind: "text",
        "replaced?": ["Replaced"],
        "virtualKeyUrl?": "text",
      },
      invalid_subscription: {
        "description?": "text",
        kind: "text",
      },
      no_vehicles: {
        "description?": "text",
        kind: "text",
      },
      oem_cancelled_login: {
        "description?": "text",
        kind: "text",
      },
      reauthenticated: {
        "connection|null": "Connection",
        kind: "text",
        vehicleId: "text",
      },
      server_error: {
        "description?": "text",
        kind: "text",
      },
      unknown_error: {
        "description?": "text",
        error: "text",
        kind: "text",
      },
      user_cancelled: {
        "description?": "text",
        kind: "text",
      },
      user_manually_returned_to_application: {
        "description?": "text",
        kind: "text",
      },
      vehicle_incompatible: {
        "description?": "text",
        kind: "text",
        "vehicle?": "IncompatibleVehicle",
      },
    },
  },
  IncompatibleVehicle: {
    "make?": "text",
    "model?": "text",
    "vin?": "text",
    "year?": "text",
  },
  ListedVehicle: {
    id: "text",
  },
  ReconnectResponse: {
    applicationId: "text",
    connectOrigin: "text",
    "expiresAt?": "number",
    externalId: "text",
    flow: "reauthenticate|more_permissions|tesla_permissions|new_connection",
    "resolutionUrl?": "text",
    "scope?": "text",
    "vehicleId?": "text",
  },
  Replaced: {
    id: "text",
    lost: ["ListedVehicle"],
    takenOver: ["ListedVehicle"],
  },
  StartResponse: {
    applicationId: "text",
    connectOrigin: "text",
    expiresAt: "number",
    externalId: "text",
    session: "started|resumed",
  },
  Vehicle: {
    connectionId: "text",
    id: "text",
    "make?": "text",
    "model?": "text",
    "problem?": "text",
    "retryAfter?": "number",
    "status?": "active|degraded|reauthentication_required|reconnection_required",
    "year?": "number",
  },
  VehicleList: {
    vehicles: ["Vehicle"],
    "vehiclesPending?": "flag",
  },
};

/** A copy of what the table called `name` has of an answer; `undefined` if the answer does not follow it. */
export const read = (answer, name) => valueOf(answer, TABLES[name]);

function valueOf(value, kind) {
  if (Array.isArray(kind)) {
    const items = Array.isArray(value) ? value.map((item) => valueOf(item, kind[0])) : [undefined];
    return items.includes(undefined) ? undefined : items;
  }
  if (typeof kind === "object") return objectOf(value, kind);
  if (kind in TABLES) return valueOf(value, TABLES[kind]);
  return isOf(value, kind) ? value : undefined;
}

function isOf(value, kind) {
  if (kind === "text") return typeof value === "string";
  if (kind === "flag") return typeof value === "boolean";
  if (kind === "number") return Number.isFinite(value);
  return kind.split("|").includes(value);
}

function objectOf(value, table) {
  if (typeof value !== "object" || value === null) return undefined;
  const kinds = table["kind="];
  if (kinds) return Object.keys(kinds).includes(value.kind) ? objectOf(value, kinds[value.kind]) : undefined;
  const copy = {};
  for (const [key, kind] of Object.entries(table)) {
    const [, name, mark] = /^(\w+)(.*)$/.exec(key);
    const found = value[name] ?? undefined;
    const read = found === undefined && mark === "|null" ? null : valueOf(found, kind);
    if (read !== undefined) copy[name] = read;
    else if (found !== undefined || mark === "") return undefined;
  }
  return copy;
}
