// What the app does by night, with no page open: it writes down the odometer of each car. An app would keep that in its database;
// the demo's logbook is forgotten when it stops.
import { Refused } from "./service.js";

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

/** The odometer of a car in km, by whichever version of Smartcar's API it is connected. */
async function odometerOf(id, ask) {
  try {
    return (await ask("GET", `/api/v2.0/vehicles/${id}/odometer`)).distance;
  } catch (error) {
    if (!(error instanceof Refused) || error.code !== "other_api_version") throw error;
  }
  const { data } = await ask("GET", `/api/v3/vehicles/${id}/signals/odometer-traveleddistance`);
  const { status, body } = data.attributes;
  // What stands beside an error is what it was before.
  if (status.value !== "SUCCESS") throw new Error("the odometer can't be read now");
  return body.value;
}

/** Reads the odometer of every car of `user` that it may be read of, and writes it down. */
export async function writeDown(user, ask) {
  const { vehicles } = await ask("GET", "/vehicles");
  const read = vehicles.map(async ({ id, make, model }) => {
    return { at: Date.now(), vehicle: { id, make, model }, km: await odometerOf(id, ask) };
  });
  // A car that can't be read now is one for the next night.
  const news = (await Promise.allSettled(read)).flatMap(({ value }) => value ?? []);
  entries.set(user.id, [...news, ...entriesOf(user)].slice(0, MOST * Math.max(1, vehicles.length)));
}
