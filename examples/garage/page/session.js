// Who is signed in to the app, and the token by which the Worker knows it. The log-in is the app's own.

/** Half a minute before its end a token is asked for anew: a request takes time. */
const MARGIN_S = 30;

/** `{ id, name }`, or `null`. */
let user = null;
/** The token and until when it is good, by a clock that nobody can set. */
let token = null;

/** Hears that the log-in has ended without this page's doing: in another tab, or by its time. */
export const ended = new EventTarget();

export const signedIn = () => user;

/** Asks the back end who is signed in. */
export async function whoIsSignedIn() {
  ({ user } = await ask("GET", "/app/session"));
  return user;
}

export async function signIn(name, password) {
  ({ user } = await ask("POST", "/app/session", { name, password }));
  token = null;
}

export async function signOut() {
  await ask("DELETE", "/app/session");
  user = token = null;
}

/** For `createConnect`: the user's token; nothing for a visitor, who is known by the Worker's cookie. */
export async function getToken() {
  if (!user) return undefined;
  if (!token || performance.now() > token.goodUntil) {
    const fresh = await ask("GET", "/app/token").catch((error) => {
      if (error.status === 401) {
        user = token = null;
        ended.dispatchEvent(new Event("ended"));
      }
      // Nothing would make a visitor of the user, whose call this is.
      throw error;
    });
    token = { value: fresh.token, goodUntil: performance.now() + (fresh.expiresIn - MARGIN_S) * 1000 };
  }
  return token.value;
}

/** Asks the app's back end; throws what it says is wrong. */
export async function ask(method, path, body) {
  const headers = body ? { "content-type": "application/json" } : {};
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  if (answer.status === 204) return undefined;
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Error(said.error ?? "The app can’t be reached. Try again in a moment."), { status: answer.status });
  return said;
}
