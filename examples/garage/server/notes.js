// Notes for the app's users: what happened to their cars while they were not looking. An app would send an e-mail as well.
import { Router } from "express";

import { forUsers } from "./session.js";
import { forgetCar, latestNote, newestNote, note, notesOf, readingsOf } from "./store.js";
import * as words from "./words.js";

const LOOK_EVERY_MS = 1000;
const ALIVE_EVERY_MS = 20_000;

/** The owner has to act: `status` is `"reauthentication_required"` or `"reconnection_required"`, as the Worker says it of a connection. */
export function noteWanted(user, car, status) {
  note(user, { car: car.id, kind: status, text: words[status](words.nameOf(car)) });
}

/** The same from a job that comes every night, once: not if the user has a note from `since`, when it began. */
export function remind(user, car, status, since) {
  const latest = latestNote(user, car.id);
  if (latest?.kind !== status || latest.at < since) noteWanted(user, car, status);
}

/** Good news only for whoever has had the bad. */
export function noteWell(user, car) {
  const latest = latestNote(user, car.id);
  if (latest && latest.kind !== "well") note(user, { car: car.id, kind: "well", text: words.well(words.nameOf(car)) });
}

export const noteRoutes = Router()
  .get("/notes", forUsers, ({ user }, response) => {
    response.set("cache-control", "no-store").json({ user: user.id, notes: notesOf(user.id), readings: readingsOf(user.id) });
  })
  // What is written down about a car that the user disconnects. In another tab somebody else may have signed in since.
  .delete("/cars/:car", forUsers, ({ user, params, query }, response) => {
    if (query.user !== user.id) return response.status(409).json({ error: "Somebody else has signed in meanwhile." });
    forgetCar(user.id, params.car);
    response.status(204).end();
  })
  // Which note is the newest: at once, also after a break, and whenever that changes. It looks into the database: the nightly job is
  // another process.
  .get("/news", forUsers, ({ user }, response) => {
    response.set({ "content-type": "text/event-stream", "cache-control": "no-store" });
    response.write("retry: 3000\n\n");
    let told;
    const tell = () => {
      const newest = newestNote(user.id);
      if (newest !== told) response.write(`data: ${newest}\n\n`);
      told = newest;
    };
    tell();
    const look = setInterval(tell, LOOK_EVERY_MS);
    // A line now and then, or proxies give up the connection.
    const alive = setInterval(() => response.write(":\n\n"), ALIVE_EVERY_MS);
    response.on("close", () => [look, alive].forEach(clearInterval));
  });
