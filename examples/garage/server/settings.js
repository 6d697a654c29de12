// What the back end is told by its environment.
import process from "node:process";

function setting(name) {
  const value = process.env[name];
  if (!value) throw new Error(`\`${name}\` is not set: \`npm run dev\` makes .env for this machine, and README.md says what it is elsewhere`);
  return value;
}

/** The app's own origin, such as https://app.example.com. */
export const ORIGIN = setting("ORIGIN");
/** Where the back end listens. */
export const PORT = Number(setting("PORT"));
export const HOST = process.env.HOST ?? "localhost";
/** Where the Worker is, such as https://app.example.com/smartcar. */
export const WORKER = setting("WORKER");
/** What the Worker knows the back end by: it opens the cars of every user. */
export const SERVICE_KEY = setting("SERVICE_KEY");
/** What the Worker signs events with. */
export const WEBHOOK_SECRET = setting("WEBHOOK_SECRET");
/** What the cookies of the log-in are signed with. */
export const SESSION_SECRET = setting("SESSION_SECRET");
/** The private key, a JWK, that signs the users' tokens. */
export const SIGNING_KEY = JSON.parse(setting("SIGNING_KEY"));
/** The database. */
export const DATABASE = process.env.DATABASE ?? "data/garage.db";
