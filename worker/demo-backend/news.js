// What the Worker hands on of Smartcar's webhooks: signed as the Standard Webhooks specification has it, with whose cars it is about. An
// app would keep it in its database, and write to its user; the demo counts it until it stops, and its page asks.
import { principalOf } from "./service.js";

/** How many messages are known again. */
const MOST_KNOWN = 1000;
/** How old a message may be, in seconds. */
const TOLERANCE_S = 5 * 60;

/** The ids of the messages that have come: one may come twice. */
const known = new Set();
/** Visitors by their cookies and the connections that they show; `null` where these are nobody's. */
const visitors = new Map();
/** How many came, by the principal whose cars they are about. */
const counts = new Map();

/** `POST /demo/events`: whoever sends this is no browser, and shows the signature. */
export async function receive(request, env) {
  const body = await request.text();
  if (!(await isSigned(request.headers, body, env.WEBHOOK_FORWARD_SECRET ?? ""))) return new Response(null, { status: 401 });
  const id = request.headers.get("webhook-id");
  if (!known.has(id)) {
    known.add(id);
    if (known.size > MOST_KNOWN) known.delete(known.values().next().value);
    const { data } = JSON.parse(body);
    for (const principal of data.principals) counts.set(principal, (counts.get(principal) ?? 0) + 1);
  }
  return new Response(null, { status: 204 });
}

/**
 * `GET /demo/news?connection=…`: how many messages came about the cars of whoever asks; `null` where none is received, or nobody has such
 * a connection: the page asks no more then.
 */
export async function news({ request, user, env, ctx }) {
  if (!env.WEBHOOK_FORWARD_SECRET) return Response.json({ count: null });
  const connection = new URL(request.url).searchParams.get("connection") ?? "";
  const principal = user ? `user:${user.id}` : await visitor(request, connection, env, ctx);
  return Response.json({ count: principal === null ? null : (counts.get(principal) ?? 0) });
}

/** The principal of a visitor without a log-in, who is asked for once; `null` if there is none, `undefined` if it can't be said now. */
async function visitor(request, connection, env, ctx) {
  const shown = `${request.headers.get("cookie") ?? ""} ${connection}`;
  if (!visitors.has(shown)) {
    const principal = await principalOf(request, connection, env, ctx);
    if (principal === undefined) return undefined;
    if (visitors.size >= MOST_KNOWN) visitors.clear();
    visitors.set(shown, principal);
  }
  return visitors.get(shown);
}

/** Whether one of the secrets has signed it, and not long ago (https://www.standardwebhooks.com). */
async function isSigned(headers, body, secrets) {
  const [id, timestamp, signatures] = ["webhook-id", "webhook-timestamp", "webhook-signature"].map((name) => headers.get(name));
  if (!id || !signatures || !(Math.abs(Date.now() / 1000 - Number(timestamp)) < TOLERANCE_S)) return false;
  const signed = new TextEncoder().encode(`${id}.${timestamp}.${body}`);
  const pairs = secrets.split(",").flatMap((secret) => signatures.split(" ").map((signature) => [secret.trim(), signature]));
  const checks = pairs.map(([secret, signature]) => hasSigned(secret, signed, signature));
  return (await Promise.all(checks)).includes(true);
}

async function hasSigned(secret, signed, signature) {
  if (!secret.startsWith("whsec_") || !signature.startsWith("v1,")) return false;
  try {
    const key = await crypto.subtle.importKey("raw", bytes(secret.slice(6)), { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
    return await crypto.subtle.verify("HMAC", key, bytes(signature.slice(3)), signed);
  } catch {
    // Not base64.
    return false;
  }
}

function bytes(base64) {
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
}
