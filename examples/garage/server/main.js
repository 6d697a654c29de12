// The app's back end: its own log-in, the tokens by which the Worker knows its users, notes for them, and what it is told of their cars.
// It never sees a token of Smartcar's.
import express, { Router, json } from "express";
import helmet from "helmet";

import { answerError, nothingHere } from "./errors.js";
import { eventRoutes } from "./events.js";
import { noteRoutes } from "./notes.js";
import { sessionRoutes, signedIn } from "./session.js";
import { HOST, ORIGIN, PORT } from "./settings.js";
import { tokenRoutes } from "./tokens.js";

const app = express();
// Behind Cloudflare or another proxy, which speaks TLS for it.
app.set("trust proxy", 1);
// The page runs the WebAssembly of smartcar-connect, which the usual policy of helmet forbids.
const directives = { scriptSrc: ["'self'", "'wasm-unsafe-eval'"], ...(ORIGIN.startsWith("http:") ? { upgradeInsecureRequests: null } : {}) };
app.use(helmet({ contentSecurityPolicy: { directives } }));

app.use(
  "/app",
  Router()
    .get("/healthz", (_request, response) => response.json({ status: "ok" }))
    .use(eventRoutes)
    .use(signedIn, json(), sessionRoutes, tokenRoutes, noteRoutes)
    .use(nothingHere),
);
// The page, as `npm run build` leaves it. In development Vite serves it.
app.use(express.static("dist"));
app.use(answerError);

app.listen(PORT, HOST, (error) => {
  if (error) throw error;
  console.log(`The back end listens at port ${PORT} of ${HOST}`);
});
