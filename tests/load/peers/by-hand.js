// The token read as it is written by hand in JavaScript, with the guarantees and the headers of the real one: the service
// key compared by its digest in constant time, the name in KV an HMAC, a key per principal by HKDF, the record opened by
// AES-GCM with associated data. What lasts is derived once in an isolate's life. So are the list of connections and the requests
// that are passed on to Smartcar, but for what the real one adds: no Durable Object, and nothing is refused.
const PREFIX = "/smartcar";
const MAX_BODY_BYTES = 16 * 1024;
const BODY_DEADLINE_MS = 10_000;
const FRESH_FOR_MS = 5 * 60 * 1000;
const API = `${PREFIX}/api`;
/** What stands for a connection's id in the name of an index: no id has it. */
const INDEX = "index";
const TOKEN_FIELDS = new Set(["principal", "connectionId"]);

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

let kept;

/** @returns {Promise<{keyId: string, root: CryptoKey, names: CryptoKey, serviceKeys: ArrayBuffer[], origins: string[]}>} */
function settings(env) {
  kept ??= readSettings(env);
  return kept;
}

async function readSettings(env) {
  const [keyId, secret] = env.SEALING_KEYS.split(":");
  const root = await crypto.subtle.importKey("raw", bytesOf(secret), "HKDF", false, ["deriveBits", "deriveKey"]);
  const names = await crypto.subtle.deriveKey(
    derivation("kv-name/grant"),
    root,
    { name: "HMAC", hash: "SHA-256", length: 256 },
    false,
    ["sign"],
  );
  const serviceKeys = await Promise.all(env.SERVICE_KEYS.split(",").map(digest));
  return { keyId, root, names, serviceKeys, origins: env.ALLOWED_ORIGINS.split(",") };
}

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

function base64url(bytes) {
  return btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
}

function digest(text) {
  return crypto.subtle.digest("SHA-256", encoder.encode(text));
}

function derivation(purpose, context = "") {
  return { name: "HKDF", hash: "SHA-256", salt: encoder.encode("by-hand/v1"), info: encoder.encode(`${purpose}\0${context}`) };
}

async function nameOf({ names }, { principal, connectionId }) {
  const mac = await crypto.subtle.sign("HMAC", names, encoder.encode(`${principal}\0${connectionId}`));
  return `v1/${base64url(mac)}`;
}

function recordKey({ root }, principal) {
  const aes = { name: "AES-GCM", length: 256 };
  return crypto.subtle.deriveKey(derivation("grant", principal), root, aes, false, ["encrypt", "decrypt"]);
}

function binding({ keyId }, { principal, connectionId }) {
  return encoder.encode(["by-hand", keyId, "grant", principal, connectionId].join("\0"));
}

class Refused extends Error {
  constructor(status, code, detail) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

async function checkServiceKey(request, { serviceKeys }) {
  const authorization = request.headers.get("authorization") ?? "";
  if (authorization.startsWith("Bearer ")) {
    const shown = await digest(authorization.slice("Bearer ".length));
    let found = false;
    for (const key of serviceKeys) found = crypto.subtle.timingSafeEqual(key, shown) || found;
    if (found) return;
  }
  throw new Refused(401, "service_key_rejected", "send `Authorization: Bearer` and one of the Worker's `SERVICE_KEYS`");
}

/** The body's bytes: no more of it is read than was announced or than the limit, and it is waited for until the deadline. */
async function read(request) {
  const most = Number(request.headers.get("content-length") ?? MAX_BODY_BYTES);
  if (!(most <= MAX_BODY_BYTES)) throw new Refused(413, "body_too_large", "the body is longer than 16 KiB");
  const reader = request.body.getReader({ mode: "byob" });
  const timer = setTimeout(() => reader.cancel(), BODY_DEADLINE_MS);
  const { value } = await reader.readAtLeast(most + 1, new Uint8Array(most + 1));
  clearTimeout(timer);
  if (value.length > most) throw new Refused(413, "body_too_large", "the body is longer than it may be");
  return value;
}

async function bodyOf(request) {
  const bytes = await read(request);
  try {
    const body = JSON.parse(decoder.decode(bytes));
    for (const [name, value] of Object.entries(body)) {
      if (!TOKEN_FIELDS.has(name) || typeof value !== "string") throw new TypeError(name);
    }
    return body;
  } catch {
    throw new Refused(400, "invalid_body", "the body is not JSON with the documented fields");
  }
}

async function open(config, wanted, text) {
  const sealed = bytesOf(text);
  const algorithm = { name: "AES-GCM", iv: sealed.subarray(0, 12), additionalData: binding(config, wanted) };
  const key = await recordKey(config, wanted.principal);
  return JSON.parse(decoder.decode(await crypto.subtle.decrypt(algorithm, key, sealed.subarray(12))));
}

/** The record of a connection, or of an index where `connectionId` is none. */
async function recordOf(env, config, wanted) {
  const text = await env.TOKENS.get(await nameOf(config, wanted));
  if (text === null) throw new Refused(404, "connection_not_found", "there is no such connection");
  return open(config, wanted, text);
}

async function freshToken(env, config, wanted) {
  const { accessToken, expiresAt } = await recordOf(env, config, wanted);
  if (expiresAt - Date.now() < FRESH_FOR_MS) throw new Refused(503, "storage_unavailable", "the token has expired");
  return { accessToken, expiresAt };
}

async function token(request, env) {
  const config = await settings(env);
  await checkServiceKey(request, config);
  const wanted = await bodyOf(request);
  const { accessToken, expiresAt } = await freshToken(env, config, wanted);
  return JSON.stringify({ accessToken, expiresAt, connectionId: wanted.connectionId, principal: wanted.principal });
}

/** The connections of the user whom the back end names. */
async function indexOf(request, env, config) {
  await checkServiceKey(request, config);
  const principal = `user:${request.headers.get("smartcar-connect-user")}`;
  const { connections } = await recordOf(env, config, { principal, connectionId: INDEX });
  return { principal, connections };
}

async function list(request, env) {
  const { connections } = await indexOf(request, env, await settings(env));
  return JSON.stringify({ connections });
}

/** Passes a read on to Smartcar. */
async function passOn(request, env, path) {
  const config = await settings(env);
  const { principal, connections } = await indexOf(request, env, config);
  const vehicleId = path.split("/")[3];
  const covers = ({ vehicles }) => vehicles.some(({ id }) => id === vehicleId);
  const connection = connections.find(covers);
  if (!connection) throw new Refused(404, "connection_not_found", "there is no such connection");
  const { accessToken } = await freshToken(env, config, { principal, connectionId: connection.id });
  const headers = { authorization: `Bearer ${accessToken}`, accept: "application/json", "user-agent": "bench" };
  const answer = await fetch(`${env.SMARTCAR_API_ORIGIN}${path}`, { headers, redirect: "manual" });
  if (!answer.ok) throw new Refused(502, "smartcar_error", `Smartcar answered ${answer.status}`);
  return answer.body;
}

async function put(env, config, wanted, record) {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const algorithm = { name: "AES-GCM", iv, additionalData: binding(config, wanted) };
  const plain = encoder.encode(JSON.stringify(record));
  const ciphertext = await crypto.subtle.encrypt(algorithm, await recordKey(config, wanted.principal), plain);
  const sealed = new Uint8Array([...iv, ...new Uint8Array(ciphertext)]);
  await env.TOKENS.put(await nameOf(config, wanted), btoa(String.fromCharCode(...sealed)));
}

/** Writes what the routes read. */
async function seed(request, env) {
  const config = await settings(env);
  const { principal, connectionId, connections, ...tokens } = await request.json();
  await put(env, config, { principal, connectionId }, tokens);
  if (connections) await put(env, config, { principal, connectionId: INDEX }, { connections });
  return "{}";
}

function route(request, env) {
  const { pathname } = new URL(request.url);
  if (request.method === "GET" && pathname.startsWith(API)) return passOn(request, env, pathname.slice(API.length));
  switch (`${request.method} ${pathname}`) {
    case `GET ${PREFIX}/healthz`:
      return '{"status":"ok"}';
    case `POST ${PREFIX}/internal/token`:
      return token(request, env);
    case `GET ${PREFIX}/connections`:
      return list(request, env);
    case "POST /seed":
      return seed(request, env);
    default:
      throw new Refused(404, "not_found", "there is no such route");
  }
}

/** What every answer of the real one has. */
const ALWAYS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "strict-transport-security": "max-age=31536000",
  vary: "origin",
  "x-content-type-options": "nosniff",
};

function headersFor(request, requestId, contentType, allowed) {
  const headers = { ...ALWAYS, "content-type": contentType, "x-request-id": requestId };
  const origin = request.headers.get("origin");
  if (origin !== null && (origin === new URL(request.url).origin || allowed.includes(origin))) {
    headers["access-control-allow-origin"] = origin;
    headers["access-control-allow-credentials"] = "true";
  }
  return headers;
}

export default {
  async fetch(request, env) {
    const requestId = crypto.randomUUID();
    const { origins } = await settings(env);
    try {
      const body = await route(request, env);
      return new Response(body, { headers: headersFor(request, requestId, "application/json", origins) });
    } catch (error) {
      const { status = 500, code = "internal", message } = error;
      const problem = JSON.stringify({ status, code, detail: message, requestId });
      return new Response(problem, { status, headers: headersFor(request, requestId, "application/problem+json", origins) });
    }
  },
};
