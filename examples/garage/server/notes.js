// Notes for the app's users: what happened to their cars while they were not looking. An app would send an e-mail as well.
import { Router } from "express";

import { forUsers } from "./session.js";
import { latestKind, newestNote, note, notesOf, readingsOf } from "./store.js";
import * as words from "./words.js";

const LOOK_EVERY_MS = 1000;
const ALIVE_EVERY_MS = 20_000;

/** The owner has to log in again at the car's maker or, where the access has `ended`, to connect again. */
export function noteWanted(user, car, { ended = false } = {}) {
  const name = words.nameOf(car);
  note(user, { car: car.id, kind: "wanted", text: ended ? words.ended(name) : words.wanted(name) });
}

/** Good news only for whoever has had the bad. */
export function noteWell(user, car) {
  if (latestKind(user, car.id) === "wanted") note(user, { car: car.id, kind: "well", text: words.well(words.nameOf(car)) });
}

export const noteRoutes = Router()
  .get("/notes", forUsers, ({ user }, response) => {
    response.set("cache-control", "no-store").json({ notes: notesOf(user.id), readings: readingsOf(user.id) });
  })
  // An event for each new note, as long as the page is open. It looks into the database: the nightly job is another process.
  .get("/news", forUsers, ({ user }, response) => {
    response.set({ "content-type": "text/event-stream", "cache-control": "no-store" });
    response.write("retry: 3000\n\n");
    let seen = newestNote(user.id);
    const look = setInterval(() => {
      const newest = newestNote(user.id);
      if (newest !== seen) response.write(`data: ${newest}\n\n`);
      seen = newest;
    }, LOOK_EVERY_MS);
    // A line now and then, or proxies give up the connection.
    const alive = setInterval(() => response.write(":\n\n"), ALIVE_EVERY_MS);
    response.on("close", () => [look, alive].forEach(clearInterval));
  });
