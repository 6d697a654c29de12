// A log-in of an app: keys that sign tokens, and the address at which it publishes them, with every fault such an address can have.
import { createHmac, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import http from "node:http";

export const ISSUER = "https://login.example/";
export const AUDIENCE = "https://cars.example";

const KINDS = {
  RS256: ["rsa", { modulusLength: 2048 }],
  ES256: ["ec", { namedCurve: "P-256" }],
  EdDSA: ["ed25519"],
};

/** A new key pair. `jwk` is its public key as the log-in publishes it. */
export function newKey(algorithm, kid = randomUUID(), options = {}) {
  const [kind, defaults] = KINDS[algorithm];
  const { publicKey, privateKey } = generateKeyPairSync(kind, { ...defaults, ...options });
  const jwk = { ...publicKey.export({ format: "jwk" }), kid, alg: algorithm, use: "sig" };
  return { algorithm, kid, publicKey, privateKey, jwk };
}

/** The key of HS256. */
export const secretKey = (secret, kid) => ({ algorithm: "HS256", kid, secret });

/** The signature of `data` by the key. */
export function signatureOf({ algorithm, privateKey, secret }, data) {
  if (algorithm === "HS256") return createHmac("sha256", secret).update(data).digest();
  if (algorithm === "EdDSA") return sign(null, Buffer.from(data), privateKey);
  return sign("sha256", Buffer.from(data), algorithm === "ES256" ? { key: privateKey, dsaEncoding: "ieee-p1363" } : privateKey);
}

const encoded = (part) => Buffer.from(typeof part === "string" ? part : JSON.stringify(part)).toString("base64url");

/** A token of this header and these claims, each an object or text, with the key's signature or `signature` in its place. */
export function compact(key, header, claims, signature) {
  const signed = `${encoded(header)}.${encoded(claims)}`;
  return `${signed}.${Buffer.from(signature ?? signatureOf(key, signed)).toString("base64url")}`;
}

/** The claims of a good token for `sub`, made at `now` in ms since the epoch. */
export function claimsOf(sub, now = Date.now()) {
  const seconds = Math.floor(now / 1000);
  return { iss: ISSUER, aud: AUDIENCE, sub, iat: seconds, exp: seconds + 300 };
}

/** A good token for `sub`. */
export function tokenFor(key, sub, { now, claims, header } = {}) {
  const head = { alg: key.algorithm, typ: "JWT", ...(key.kid ? { kid: key.kid } : {}), ...header };
  return compact(key, head, { ...claimsOf(sub, now), ...claims });
}

/**
 * Starts the server that publishes keys, at a path for each of those who ask for them.
 * @returns {Promise<{url: (path: string) => string, publish: (path: string, ...jwks: object[]) => void,
 *   answer: (path: string, handler: http.RequestListener) => void, count: (path: string) => number, close: () => Promise<void>}>}
 */
export async function startLogIn() {
  const handlers = new Map();
  const counts = new Map();
  const server = http.createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://log-in");
    counts.set(pathname, (counts.get(pathname) ?? 0) + 1);
    const handler = handlers.get(pathname);
    if (handler) handler(request, response);
    else response.writeHead(404).end();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const answer = (path, handler) => handlers.set(path, handler);
  return {
    url: (path) => `http://127.0.0.1:${server.address().port}${path}`,
    answer,
    publish(path, ...keys) {
      answer(path, (_, response) => {
        response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ keys }));
      });
    },
    count: (path) => counts.get(path) ?? 0,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
