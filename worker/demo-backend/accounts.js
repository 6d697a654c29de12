// The demo's own log-in: a pretence without passwords, where an app has its real one. Who is signed in stands in a cookie that is
// signed, so that nobody can write one.

/** Everybody who has an account. */
export const USERS = [
  { id: "42", name: "Ada" },
  { id: "43", name: "Grace" },
];

const LASTS_S = 12 * 60 * 60;

/** Signs a user in and brings a ticket, by which the page's session at the Worker becomes that user's. */
export async function signIn({ request, key, speaking }) {
  const { user: id } = await request.json().catch(() => ({}));
  const user = key && USERS.find((known) => known.id === id);
  if (!user) return new Response(null, { status: 404 });
  const ticket = await ticketFor(user, speaking(user));
  const said = `${user.id}.${Date.now() + LASTS_S * 1000}`;
  const value = `${said}.${base64url(await crypto.subtle.sign("HMAC", await signingKey(key), bytes(said)))}`;
  return Response.json({ user, ticket }, { headers: { "set-cookie": cookie(request, value, LASTS_S) } });
}

/** A ticket for a session of this user's; the page hands it in at the Worker, once. */
export async function ticketFor(user, ask) {
  return (await ask("POST", "/internal/sessions", { user: user.id })).ticket;
}

/** Signs whoever is signed in out. */
export async function signOut({ request }) {
  return Response.json({}, { headers: { "set-cookie": cookie(request, "", 0) } });
}

/** The user whose cookie the request has, or `null`. */
export async function signedIn(request, key) {
  const cookies = (request.headers.get("cookie") ?? "").split("; ");
  const values = cookies.filter((pair) => pair.startsWith(`${cookieName(request)}=`));
  const [id, until, signature, ...rest] = values.length === 1 ? values[0].slice(cookieName(request).length + 1).split(".") : [];
  if (!key || !signature || rest.length > 0) return null;
  const isOurs = await crypto.subtle.verify("HMAC", await signingKey(key), fromBase64url(signature), bytes(`${id}.${until}`));
  return (isOurs && Number(until) > Date.now() && USERS.find((user) => user.id === id)) || null;
}

/** With the port: a host has one jar of cookies for all its ports, and so for several demos. */
function cookieName(request) {
  const { port } = new URL(request.url);
  return ["__Host-demo-user", port].filter(Boolean).join("-");
}

function cookie(request, value, seconds) {
  return `${cookieName(request)}=${value}; Path=/; Max-Age=${seconds}; Secure; HttpOnly; SameSite=Strict`;
}

/** A key of its own, which follows from the service key: the demo needs no further secret. */
function signingKey(serviceKey) {
  const secret = bytes(`smartcar-connect demo, signed in\0${serviceKey}`);
  return crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
}

function bytes(text) {
  return new TextEncoder().encode(text);
}

function base64url(buffer) {
  return btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** No bytes for what is not base64url: no signature is empty. */
function fromBase64url(text) {
  if (!/^[\w-]{43}$/.test(text)) return new Uint8Array();
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
}
