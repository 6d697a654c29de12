// Smartcar's own paths through the Worker, as a page asks for them.

/** Every permission that a test may need. */
export const SCOPES = [
  "read_vehicle_info",
  "read_vin",
  "read_odometer",
  "read_location",
  "read_battery",
  "read_charge",
  "read_security",
  "read_climate",
  "read_user_profile",
  "control_charge",
  "control_security",
  "control_navigation",
  "control_climate",
  "control_pin",
  "control_trunk",
];

/** What asks about one car for one client. */
export function carOf(client, id) {
  const path = (below) => `/api/v2.0/vehicles/${id}${below}`;
  return {
    id,
    path,
    read: (below, options) => client.get(path(below), options),
    command: (below, json, options) => client.post(path(below), json, options),
    batch: (paths, options) => client.post(path("/batch"), { requests: paths.map((one) => ({ path: one })) }, options),
  };
}

/** What asks about one car for one client by Smartcar's v3. */
export function carOfV3(client, id) {
  const path = (below) => `/api/v3/vehicles/${id}${below}`;
  return {
    id,
    path,
    read: (below, options) => client.get(path(below), options),
    signal: (code, options) => client.get(path(`/signals/${code}`), options),
    /** A command; without `attributes` it has no body, as Smartcar has it. */
    command: (below, attributes, options = {}) =>
      attributes
        ? client.post(path(below), { data: { attributes } }, options)
        : client.request("POST", path(below), { ...options, headers: { ...client.guards, "content-type": undefined, ...options.headers } }),
    remove: (below, options) => client.delete(path(below), options),
  };
}

/** What Smartcar was asked about cars since the last reset, but for what the Worker asks by itself. */
export async function askedOf(simulator) {
  const requests = await simulator.requests();
  const own = new Set(["exchange", "refresh", "token", "vehicles", "user", "disconnect", "application_token", "v3_connections", "v3_remove_connection"]);
  return requests.filter(({ endpoint }) => !own.has(endpoint));
}
