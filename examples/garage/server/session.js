// The app's own log-in: who is signed in, by a cookie that no script can read. It is yours and knows nothing of cars.
import { Router } from "express";
import session from "express-session";

import { Failure } from "./errors.js";
import { ORIGIN, SESSION_SECRET } from "./settings.js";
import { shown, userById, userByPassword } from "./users.js";

const LASTS_MS = 12 * 60 * 60 * 1000;
const isHttps = ORIGIN.startsWith("https:");

/** Sessions are kept in memory here: an app takes one of the stores for express-session. */
const sessions = session({
  name: isHttps ? "__Host-garage" : `garage-${new URL(ORIGIN).port}`,
  secret: SESSION_SECRET,
  resave: false,
  saveUninitialized: false,
  cookie: { httpOnly: true, sameSite: "strict", secure: isHttps, maxAge: LASTS_MS },
});

/** Puts whoever is signed in into `request.user`. */
export const signedIn = [
  sessions,
  (request, _response, next) => {
    request.user = userById(request.session.user);
    next();
  },
];

/** Answers 401 where nobody is signed in. */
export function forUsers(request, response, next) {
  if (request.user) next();
  else response.status(401).json({ error: "You are signed out. Sign in again." });
}

export const sessionRoutes = Router()
  .get("/session", (request, response) => response.json({ user: shown(request.user) }))
  .post("/session", async (request, response, next) => {
    const { name, password } = request.body ?? {};
    const user = await userByPassword(name, password);
    if (isHttps && !request.secure) throw new Failure("The log-in can’t work: the proxy has to send `X-Forwarded-Proto: https` to the app.");
    if (!user) return response.status(403).json({ error: "That name and password don’t belong together." });
    // A new id: whoever knew the one of before is not signed in by it.
    request.session.regenerate((error) => {
      if (error) return next(error);
      request.session.user = user.id;
      response.json({ user: shown(user) });
    });
  })
  .delete("/session", (request, response, next) => {
    request.session.destroy((error) => (error ? next(error) : response.status(204).end()));
  });
