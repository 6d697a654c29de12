// Who is signed in to the app, and the token by which the Worker knows it. The log-in is the app's own.

/** Half a minute before its end a token is asked for anew: a request takes time. */
const MARGIN_S = 30;

/** `{ id, name }`, or `null`. */
let user = null;
/** The token and until when it is good, by a clock that nobody can set. */
let token = null;

/** Hears `changed` if the log-in is over or another's without this page's doing: by its time, or in another tab. */
export const events = new EventTarget();

export const signedIn = () => user;

/** Asks the back end who is signed in. */
export async function whoIsSignedIn() {
  become((await ask("GET", "/app/session")).user);
  return user;
}

export async function signIn(name, password) {
  become((await ask("POST", "/app/session", { name, password })).user);
}

export async function signOut() {
  await ask("DELETE", "/app/session");
  become(null);
}

/** For `createConnect`: the user's token; nothing for a visitor, who is known by the Worker's cookie. */
export async function getToken() {
  if (!user) return undefined;
  if (!token || performance.now() > token.goodUntil) {
    const caller = user.id;
    const fresh = await ask("GET", "/app/token");
    // All tabs have one log-in. What one user has asked for is not to be done as another.
    if (fresh.user !== caller) throw lost(new Error("Somebody else has signed in meanwhile."));
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
  if (answer.ok) return said;
  const error = new Error(said.error ?? "The app can’t be reached. Try again in a moment.");
  throw answer.status === 401 ? lost(error) : error;
}

function become(who) {
  if (who?.id !== user?.id) token = null;
  user = who;
}

function lost(error) {
  become(null);
  events.dispatchEvent(new Event("changed"));
  return error;
}
