// The way between the platform and the Worker's WebAssembly: one call for a request's head, one for its body and one for its
// answer. Each call costs more than what is done on either side of it.

/** The headers that are read, in the order of `Line` in `src/edge/head.rs`. */
const READ = [
  "authorization",
  "content-type",
  "cookie",
  "origin",
  "sec-fetch-site",
  "x-requested-with",
  "smartcar-connect-user",
  "sc-signature",
];

/** Method, URL, headers and whether there is a body, a line each; before the value of a header that is there stands a colon. */
export function head({ method, url, headers, body }) {
  let lines = `${method}\n${url}`;
  for (const name of READ) {
    const value = headers.get(name);
    lines += value === null ? "\n" : `\n:${value}`;
  }
  lines += body === null ? "\n" : "\n:";
  return lines;
}

/**
 * The body, if it has at most `limit` bytes and is there within `deadline` ms; otherwise the reason why it is not. No more
 * of it is read than was announced, or than the limit where nothing was.
 * @returns {Promise<Uint8Array | "too_large" | "longer_than_announced" | "too_slow">} rejects if the body breaks off
 */
export async function body(request, limit, deadline) {
  if (request.body === null) return new Uint8Array();
  const announced = request.headers.get("content-length");
  const most = announced === null ? limit : Number(announced);
  if (!(most <= limit)) return "too_large";
  const reader = request.body.getReader({ mode: "byob" });
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    reader.cancel().catch(() => {});
  }, deadline);
  try {
    // A byte more than there may be, so that reading ends where the body does or as soon as it is too long.
    const { value } = await reader.readAtLeast(most + 1, new Uint8Array(most + 1));
    if (isLate) return "too_slow";
    if (value === undefined || value.length <= most) return value ?? new Uint8Array();
    reader.cancel().catch(() => {});
    return announced === null ? "too_large" : "longer_than_announced";
  } catch (error) {
    if (isLate) return "too_slow";
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * What every answer says: it may not be stored, sniffed, framed, opened as a page with anything in it, or loaded by a page of
 * another origin but by CORS; what it links to learns nothing of its address; and it came over TLS, as the next one will.
 */
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

/** The same with each content type that there is, and with none. */
const byContentType = new Map([["", new Headers(ALWAYS)]]);

function headersOf(contentType) {
  let headers = byContentType.get(contentType);
  if (headers === undefined) {
    headers = new Headers({ ...ALWAYS, "content-type": contentType });
    byContentType.set(contentType, headers);
  }
  return headers;
}

/**
 * The answer. `lines` has its content type, which may be empty, and its further headers, name and value in turn, a line each;
 * `body` is a text, a stream or `null`.
 */
export function respond(status, lines, body) {
  const [contentType, ...fields] = lines.split("\n");
  // The platform copies what is always there as a whole: each header that is set takes a thirtieth of what `/healthz` does.
  const response = new Response(body, { status, headers: headersOf(contentType) });
  const { headers } = response;
  for (let at = 0; at < fields.length; at += 2) {
    // Only cookies are several.
    if (fields[at] === "set-cookie") headers.append(fields[at], fields[at + 1]);
    else headers.set(fields[at], fields[at + 1]);
  }
  return response;
}
