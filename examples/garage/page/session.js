// Who is signed in to the app, and the token by which the Worker knows it. The log-in is the app's own.

/** Half a minute before its end a token is asked for anew: a request takes time. */
const MARGIN_S = 30;

/** `{ id, name }`, or `null`. */
let user = null;
/** The token, and until when it is good by two clocks: one can be set, the other stands still while the computer sleeps. */
let token = null;
/** Only the latest look who is signed in counts, and only until somebody signs in or out here: an answer may come late. */
let latest = 0;

/** Hears `changed` if the log-in is over or another's without this page's doing: by its time, or in another tab. */
export const events = new EventTarget();

export const signedIn = () => user;

/** Asks the back end who is signed in. */
export async function whoIsSignedIn() {
  const look = (latest += 1);
  const found = (await ask("GET", "/app/session")).user;
  if (look === latest) become(found);
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
  if (isGood(token)) return token.value;
  const caller = user.id;
  const fresh = await ask("GET", "/app/token");
  // What one user has asked for is not to be done as another. All tabs have one log-in, and the back end may know of another user than
  // this page; or somebody has signed out and in here before the answer came.
  const error = new Error("Somebody else has signed in meanwhile.");
  if (fresh.user !== caller) throw lost(error);
  if (user?.id !== caller) throw error;
  const lastsMs = (fresh.expiresIn - MARGIN_S) * 1000;
  token = { value: fresh.token, goodUntil: { set: Date.now() + lastsMs, running: performance.now() + lastsMs } };
  return token.value;
}

const isGood = (token) => token !== null && Date.now() < token.goodUntil.set && performance.now() < token.goodUntil.running;

/** Asks the app's back end; throws what it says is wrong. */
export async function ask(method, path, body) {
  const headers = body ? { "content-type": "application/json" } : {};
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  if (answer.status === 204) return undefined;
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) return said;
  const error = new Error(said.error ?? "The app can’t be reached. Try again in a moment.");
  // Nobody is signed in any more, or somebody else.
  throw [401, 409].includes(answer.status) ? lost(error) : error;
}

function become(who) {
  latest += 1;
  if (who?.id !== user?.id) token = null;
  user = who;
}

function lost(error) {
  become(null);
  events.dispatchEvent(new Event("changed"));
  return error;
}
