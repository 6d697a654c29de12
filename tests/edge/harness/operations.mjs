// What can be asked for, by the description of the HTTP API, each with what it does: a new route without a row is an error.
import { description } from "./contract.mjs";

/**
 * What each operation of the Worker's own does: it `changes` something, `claims` what belongs to a cookie whoever shows it, `tells` the
 * caller what is the caller's, `asks` Smartcar for it, is for the app's back end alone (`internal`), is
 * for whoever signs the body (`signed`), `navigates` the owner's browser, or is for anybody (`public`).
 */
const OWN = {
  "POST /connect/start": "changes",
  "POST /connect/finish": "changes",
  "GET /connect/login": "navigates",
  "POST /connect/login": "navigates",
  "GET /connect/callback": "navigates",
  "GET /connect/attempts/{fingerprint}": "tells",
  "GET /connections": "tells",
  "DELETE /connections": "changes",
  "GET /connections/{id}": "tells",
  "DELETE /connections/{id}": "changes",
  "POST /connections/{id}/reconnect": "changes",
  "GET /vehicles": "asks",
  "POST /session": "changes",
  "DELETE /session": "changes",
  "POST /session/claim": "claims",
  "POST /internal/token": "internal",
  "POST /internal/sessions": "internal",
  "POST /internal/import": "internal",
  "GET /internal/connections": "internal",
  "GET /internal/rotation": "internal",
  "GET /internal/migration": "internal",
  "POST /internal/migration": "internal",
  "POST /webhooks": "signed",
  "GET /openapi.json": "public",
  "GET /healthz": "public",
};

const METHODS = new Set(["get", "post", "put", "patch", "delete"]);
/** Of what is passed on to Smartcar: what only reads can be caused by a link or a picture. */
const ofSmartcars = (method) => (method === "GET" ? "asks" : "changes");

function described() {
  return Object.entries(description.paths).flatMap(([template, item]) =>
    Object.keys(item)
      .filter((verb) => METHODS.has(verb))
      .map((verb) => ({ method: verb.toUpperCase(), template, isPassedOn: template.startsWith("/api/") })),
  );
}

/**
 * Every operation that is described.
 * @returns {{name: string, method: string, template: string, isPassedOn: boolean, does: string}[]}
 */
export function operations() {
  const all = described().map((one) => {
    const name = `${one.method} ${one.template}`;
    return { name, ...one, does: one.isPassedOn ? ofSmartcars(one.method) : OWN[name] };
  });
  const without = all.filter(({ does }) => does === undefined).map(({ name }) => name);
  if (without.length > 0) throw new Error(`say in \`operations.mjs\` what this does: ${without.join(", ")}`);
  const gone = Object.keys(OWN).filter((name) => !all.some((one) => one.name === name));
  if (gone.length > 0) throw new Error(`\`operations.mjs\` has what there is not: ${gone.join(", ")}`);
  return all;
}
