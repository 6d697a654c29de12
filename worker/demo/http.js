// Requests that the package has no function for: Smartcar's own paths at the Worker, sessions, and the app's back end.

/** What was answered instead of success, with the fields of `application/problem+json`. */
export class Refusal extends Error {
  constructor({ code, detail, requestId, retryAfter, smartcar }) {
    super(detail ?? code);
    Object.assign(this, { code, requestId, retryAfter, smartcar });
  }
}

/** Asks for `path`, with `body` as JSON. Returns the answer's JSON; throws `Refusal`. */
export async function ask(method, path, body) {
  const headers = { "x-requested-with": "smartcar-connect", ...(body ? { "content-type": "application/json" } : {}) };
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) }).catch(() => {
    throw new Refusal({ code: "network_error" });
  });
  const said = await answer.json().catch(() => undefined);
  if (answer.ok) return said;
  throw new Refusal(typeof said?.code === "string" ? said : { code: "unexpected_response", detail: `status ${answer.status}` });
}
