// How the app's back end calls the Worker: with a service key, and a header that names the user for whom it does.
import worker from "../entry.js";

/** The service key to call with, or `undefined`. */
export function serviceKey(env) {
  return (env.SERVICE_KEYS ?? "").split(",")[0].trim() || undefined;
}

/** What the Worker did not do; the message is the problem that it answered with, as JSON. */
export class Refused extends Error {
  /** The code of the problem, if there is one. */
  get code() {
    try {
      return JSON.parse(this.message).code;
    } catch {
      return undefined;
    }
  }
}

/** What calls the Worker for `user`: `ask(method, path, body)` returns the answer's JSON, or throws `Refused`. */
export function speakingFor(user, url, env, ctx) {
  return async (method, path, body) => {
    const headers = {
      authorization: `Bearer ${serviceKey(env)}`,
      "smartcar-connect-user": user.id,
      ...(body ? { "content-type": "application/json" } : {}),
    };
    const asked = new URL(`${env.PATH_PREFIX ?? "/smartcar"}${path}`, url);
    const answer = await worker.fetch(new Request(asked, { method, headers, body: body && JSON.stringify(body) }), env, ctx);
    if (!answer.ok) throw new Refused(await answer.text());
    return answer.json();
  };
}

/**
 * Whom the session cookie of a request speaks for, by one of the connections that it shows; `null` if that is nobody, `undefined` if it
 * can't be said now.
 */
export async function principalOf(request, connectionId, env, ctx) {
  const headers = { authorization: `Bearer ${serviceKey(env)}`, "content-type": "application/json" };
  const body = JSON.stringify({ session: request.headers.get("cookie") ?? "", connectionId });
  const asked = new URL(`${env.PATH_PREFIX ?? "/smartcar"}/internal/token`, request.url);
  const answer = await worker.fetch(new Request(asked, { method: "POST", headers, body }), env, ctx);
  // Of a connection of Smartcar's v3 there is no token, but the refusal names the principal too.
  const { principal } = await answer.json();
  return principal ?? (answer.status < 500 && answer.status !== 429 ? null : undefined);
}
