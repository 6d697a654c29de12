// What a page asks of a car, at Smartcar's own paths at the Worker, which adds the token. The page never sees one. By which version of
// Smartcar's API a car is connected, the Worker says: in v3 each signal has a status of its own, and a success may be a failure inside.
import { ask, Refusal } from "./http.js";

const pathOf = (version, vehicleId) => `./smartcar/api/${version}/vehicles/${encodeURIComponent(vehicleId)}`;

/** Asks by the version that the Worker has said of the connection, or by the other one if it has been moved since. */
async function byVersion({ vehicle, version }, v2, v3) {
  const asks = [() => v2(pathOf("v2.0", vehicle)), () => v3(pathOf("v3", vehicle))];
  const [first, other] = version === "v3" ? asks.reverse() : asks;
  try {
    return await first();
  } catch (error) {
    if (error.code !== "other_api_version") throw error;
    return other();
  }
}

/**
 * What a car says, by v2's names for it: `battery`, `odometer`, `location`, `security`; only what there is.
 * @returns {Promise<Record<string, {body: object, at?: string}>>} `at` is how old it is
 */
export function readCar(car) {
  return byVersion(car, readBatch, readSignals);
}

/** Locks or unlocks a car. Throws `Refusal` unless it is done. */
export function turnCarLock(car, lock) {
  return byVersion(
    car,
    (path) => ask("POST", `${path}/security`, { action: lock ? "LOCK" : "UNLOCK" }),
    async (path) => {
      const { errors, data } = await ask("POST", `${path}/commands/security/${lock ? "lock" : "unlock"}`);
      const { value, error } = data?.attributes?.status ?? {};
      const failed = errors?.[0] ?? error;
      if (failed || value !== "SUCCESS") throw new Refusal({ code: "smartcar_error", smartcar: failed });
    },
  );
}

/** All of it is one request. */
async function readBatch(path) {
  const names = ["battery", "odometer", "location", "security"];
  const { responses } = await ask("POST", `${path}/batch`, { requests: names.map((name) => ({ path: `/${name}` })) });
  const there = responses.filter(({ code, body }) => code === 200 && body);
  return Object.fromEntries(there.map(({ path, body, headers }) => [path.slice(1), { body, at: headers?.["sc-data-age"] }]));
}

/** The signals of each of them, and what v2 makes of their bodies. */
const SIGNALS = {
  battery: [
    ["tractionbattery-stateofcharge", ({ value }) => ({ percentRemaining: value / 100 })],
    ["tractionbattery-range", ({ value }) => ({ range: value })],
  ],
  odometer: [["odometer-traveleddistance", ({ value }) => ({ distance: value })]],
  location: [["location-preciselocation", ({ latitude, longitude }) => ({ latitude, longitude })]],
  security: [["closure-islocked", ({ value }) => ({ isLocked: value })]],
};

async function readSignals(path) {
  const { data } = await ask("GET", `${path}/signals`);
  // What stands beside an error is what it was before.
  const read = data.filter(({ attributes }) => attributes.status.value === "SUCCESS" && attributes.body);
  const figures = Object.entries(SIGNALS).map(([name, signals]) => {
    const found = signals.flatMap(([code, bodyOf]) => {
      const signal = read.find(({ attributes }) => attributes.code === code);
      return signal ? [{ body: bodyOf(signal.attributes.body), at: signal.meta?.oemUpdatedAt ?? signal.meta?.ingestedAt }] : [];
    });
    const [first] = found;
    return first && [name, { body: Object.assign({}, ...found.map(({ body }) => body)), at: first.at }];
  });
  return Object.fromEntries(figures.filter(Boolean));
}
