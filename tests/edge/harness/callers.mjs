// Every kind of caller that the Worker knows, with a log-in of the app's own: a new kind of credential is a row here, and every
// test that goes by this list covers it.
import { Client } from "./client.mjs";
import { openEnv } from "./env.mjs";
import { AUDIENCE, ISSUER, newKey, startLogIn, tokenFor } from "./log-in.mjs";
import { SERVICE_KEY } from "./settings.mjs";
import { User } from "./user.mjs";

const COOKIE = "app_token";

/** The app's back end, which speaks for a user. */
export class BackEnd extends Client {
  #user;

  constructor(env, user) {
    super(env.edge, env.page, env.transcript);
    this.#user = user;
  }

  request(method, path, { headers, ...options } = {}) {
    const own = { authorization: `Bearer ${SERVICE_KEY}`, "smartcar-connect-user": this.#user };
    return super.request(method, path, { ...options, headers: { ...own, ...headers } });
  }
}

const sessionCookie = ({ cookieName, cookie }) => [{ name: cookieName, value: cookie, sameSite: "Strict" }];

/** A ticket for a user of the app, as the back end gets one. */
export async function ticketFor(env, user) {
  const headers = { authorization: `Bearer ${SERVICE_KEY}` };
  const answer = await env.client().post("/internal/sessions", { user }, { headers });
  if (answer.status !== 200) throw new Error(`no ticket: ${answer.text}`);
  return answer.json().ticket;
}

/**
 * Opens an env whose Worker takes every kind of credential. The options are those of `openEnv`; `adjust` changes what is set here.
 * @returns {Promise<{env: object, token: (user: string) => string, tokenCookie: string, kinds: {name: string, ambient: boolean, owns: boolean, backEnd: boolean,
 *   caller: (user: string) => Promise<Client>, principal: (user: string, client: Client) => string,
 *   cookies: (client: Client) => {name: string, value: string, sameSite: string}[]}[], close: () => Promise<void>}>}
 *   `ambient`: a browser sends the credential by itself, or there is none; `owns`: there is somebody whose cars it shows; `caller`
 *   makes another one, who is `user` where users have names; `cookies` are those by which a browser shows who it is
 */
export async function openCallers({ adjust = (values) => values, ...options } = {}) {
  const key = newKey("ES256");
  const logIn = await startLogIn();
  logIn.publish("/keys", key.jwk);
  const log = { JWT_ISSUER: ISSUER, JWT_AUDIENCE: AUDIENCE, JWT_JWKS_URL: logIn.url("/keys"), JWT_COOKIE: COOKIE };
  const env = await openEnv({ ...options, adjust: (values) => adjust({ ...values, ...log }) });
  const token = (user) => tokenFor(key, user, { claims: { exp: Math.floor(Date.now() / 1000) + 3600 } });
  const kinds = [
    {
      name: "nobody",
      ambient: true,
      owns: false,
      caller: async () => env.client(),
    },
    {
      name: "an anonymous session",
      ambient: true,
      principal: (_, client) => client.principal,
      cookies: sessionCookie,
      async caller() {
        const client = env.client();
        await client.start();
        return client;
      },
    },
    {
      name: "a user's session, opened by a ticket",
      ambient: true,
      cookies: sessionCookie,
      async caller(user) {
        const client = env.client();
        await client.post("/session", { ticket: await ticketFor(env, user) });
        return client;
      },
    },
    {
      name: "a token in a cookie",
      ambient: true,
      // The app's own log-in decides this. It is the worst that it can: the cookie travels from everywhere.
      cookies: ({ token }) => [{ name: COOKIE, value: token, sameSite: "None" }],
      caller: async (user) => new User(env, token(user), COOKIE),
    },
    {
      name: "a bearer token",
      ambient: false,
      caller: async (user) => new User(env, token(user)),
    },
    {
      name: "a back end that names a user",
      ambient: false,
      backEnd: true,
      caller: async (user) => new BackEnd(env, user),
    },
  ];
  return {
    env,
    /** A token of the app's log-in for a user. */
    token,
    /** The cookie that may have it. */
    tokenCookie: COOKIE,
    kinds: kinds.map((kind) => ({ owns: true, backEnd: false, cookies: () => [], principal: (user) => `user:${user}`, ...kind })),
    async close() {
      await env.close();
      await logIn.close();
    },
  };
}
