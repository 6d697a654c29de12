// What the app itself keeps: notes for its users, the logbook, and which events it has had. One SQLite file, which the back end and the
// nightly job have open at once. No token of Smartcar's is in it.
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { DATABASE } from "./settings.js";

mkdirSync(dirname(DATABASE), { recursive: true });
const database = new DatabaseSync(DATABASE);
database.exec(`
  PRAGMA busy_timeout = 5000;
  PRAGMA journal_mode = WAL;
  CREATE TABLE IF NOT EXISTS events (id TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS notes (
    id INTEGER PRIMARY KEY AUTOINCREMENT, user TEXT NOT NULL, car TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL, at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS readings (
    user TEXT NOT NULL, car TEXT NOT NULL, name TEXT NOT NULL, km REAL, battery REAL, at INTEGER NOT NULL
  ) STRICT;
`);

const KNOWN_FOR_MS = 7 * 24 * 60 * 60 * 1000;
const statement = {
  event: database.prepare("INSERT OR IGNORE INTO events (id, at) VALUES (?, ?)"),
  forget: database.prepare("DELETE FROM events WHERE at < ?"),
  note: database.prepare("INSERT INTO notes (user, car, kind, text, at) VALUES (?, ?, ?, ?, ?)"),
  latest: database.prepare("SELECT kind, at FROM notes WHERE user = ? AND car = ? ORDER BY id DESC LIMIT 1"),
  notes: database.prepare("SELECT id, car, kind, text, at FROM notes WHERE user = ? ORDER BY id DESC LIMIT 5"),
  newest: database.prepare("SELECT max(id) AS id FROM notes WHERE user = ?"),
  reading: database.prepare("INSERT INTO readings (user, car, name, km, battery, at) VALUES (?, ?, ?, ?, ?, ?)"),
  readings: database.prepare("SELECT car, name, km, battery, at FROM readings WHERE user = ? ORDER BY at DESC LIMIT 5"),
  forgetNotes: database.prepare("DELETE FROM notes WHERE user = ? AND car = ?"),
  forgetReadings: database.prepare("DELETE FROM readings WHERE user = ? AND car = ?"),
};

/** Leaves a note for a user about a car; `kind` says for programs what `text` says. */
export function note(user, { car, kind, text }) {
  statement.note.run(user, car, kind, text, Date.now());
}

/** The latest note about a car, if there is one: `{ kind, at }`. */
export const latestNote = (user, car) => statement.latest.get(user, car);

/** The latest notes, the newest first. */
export const notesOf = (user) => statement.notes.all(user);

/** The id of the newest note, 0 without any. */
export const newestNote = (user) => statement.newest.get(user).id ?? 0;

/** Does `work` unless it was done for this event before: both are kept, or neither. */
export function once(event, work) {
  database.exec("BEGIN IMMEDIATE");
  try {
    statement.forget.run(Date.now() - KNOWN_FOR_MS);
    if (statement.event.run(event, Date.now()).changes === 1) work();
    database.exec("COMMIT");
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}

/** Writes down what a car has said; `km` and `battery`, from 0 to 1, may be `null`. */
export function keepReading(user, { car, name, km, battery }) {
  statement.reading.run(user, car, name, km, battery, Date.now());
}

/** The latest entries of the logbook, the newest first. */
export const readingsOf = (user) => statement.readings.all(user);

/** Deletes what is written down about a user's car. */
export function forgetCar(user, car) {
  statement.forgetNotes.run(user, car);
  statement.forgetReadings.run(user, car);
}
