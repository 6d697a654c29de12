// The tokens by which the Worker knows the app's users: short-lived JWTs, and the public key that verifies them. An identity provider
// (Auth0, Clerk, Supabase, Firebase, …) does this for you: then this file goes, and wrangler.jsonc names the provider.
import { Router } from "express";
import { SignJWT, importJWK } from "jose";

import { forUsers } from "./session.js";
import { ORIGIN, SIGNING_KEY } from "./settings.js";

/** As in `JWT_AUDIENCE` of the Worker: no token that is for something else counts there. */
const AUDIENCE = "smartcar-connect";
/** How long somebody who has signed out, or has stolen one, could go on with it. */
const LASTS_S = 5 * 60;

const { kid, d: _private, ...publicKey } = SIGNING_KEY;
const key = await importJWK(SIGNING_KEY, "ES256");

export const tokenRoutes = Router()
  .get("/token", forUsers, async (request, response) => {
    const token = await new SignJWT()
      .setProtectedHeader({ alg: "ES256", typ: "JWT", kid })
      .setIssuer(ORIGIN)
      .setAudience(AUDIENCE)
      .setSubject(request.user.id)
      .setIssuedAt()
      .setExpirationTime(`${LASTS_S} s`)
      .sign(key);
    response.set("cache-control", "no-store").json({ token, expiresIn: LASTS_S, user: request.user.id });
  })
  .get("/jwks.json", (_request, response) => {
    response.json({ keys: [{ ...publicKey, kid, alg: "ES256", use: "sig" }] });
  });
