// What the app does by night, with no page open: it writes down the odometer of each car. An app would keep that in its database;
// the demo's logbook is forgotten when it stops.
const entries = new Map();
const MOST = 5;

/** The latest entries of a user, the newest first: `{ at, car, km }`, `at` in ms since the epoch. */
export function entriesOf(user) {
  return entries.get(user.id) ?? [];
}

/** Whether a run of the cron trigger, which rings every ten minutes, is the first one after three o'clock in the morning. */
export function isNight({ scheduledTime }) {
  const at = new Date(scheduledTime);
  return at.getUTCHours() === 3 && at.getUTCMinutes() < 10;
}

/** Reads the odometer of every car of `user` that it may be read of, and writes it down. */
export async function writeDown(user, ask) {
  const { vehicles } = await ask("GET", "/vehicles");
  const read = vehicles.map(async ({ id, make, model }) => {
    const { distance } = await ask("GET", `/api/v2.0/vehicles/${id}/odometer`);
    return { at: Date.now(), vehicle: { id, make, model }, km: distance };
  });
  // A car that can't be read now is one for the next night.
  const news = (await Promise.allSettled(read)).flatMap(({ value }) => value ?? []);
  entries.set(user.id, [...news, ...entriesOf(user)].slice(0, MOST * Math.max(1, vehicles.length)));
}
