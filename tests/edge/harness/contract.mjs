// Whether an answer is one that `docs/openapi.json` describes: every answer that a client of the tests gets is held to it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";

import { Ajv2020 } from "ajv/dist/2020.js";

import { repository } from "./paths.mjs";

export const description = JSON.parse(readFileSync(path.join(repository, "docs/openapi.json"), "utf8"));

/** The same, where nothing may be in an object that is not described. Clients are told to expect more in later versions. */
const strict = structuredClone(description);
for (const schema of Object.values(strict.components.schemas)) {
  if (schema.type === "object") schema.additionalProperties = false;
}
const ajv = new Ajv2020({ strict: false, allErrors: true });
ajv.addSchema(strict, "openapi");

const methods = new Set(["get", "post", "put", "patch", "delete"]);
/** The templates of the paths; what has no parameter counts first. */
const paths = Object.keys(description.paths)
  .sort((a, b) => a.split("{").length - b.split("{").length)
  .map((template) => ({
    template,
    pattern: new RegExp(`^${template.replaceAll(".", "\\.").replace(/\{[^}]+\}/g, "[^/]+")}$`),
  }));

function resolve(object) {
  if (object?.$ref === undefined) return object;
  return object.$ref.slice(2).split("/").reduce((at, key) => at[key.replaceAll("~1", "/").replaceAll("~0", "~")], strict);
}

/** The place of a schema in the description, for ajv. */
const pointer = (...keys) => keys.map((key) => `/${encodeURIComponent(key.replaceAll("~", "~0").replaceAll("/", "~1"))}`).join("");

/** The operation that a request asks for; `undefined` where there is none. */
export function operationOf(method, requested) {
  const [wanted] = requested.split(/[?#]/);
  const found = paths.find(({ pattern }) => pattern.test(wanted));
  const verb = method === "HEAD" ? "get" : method.toLowerCase();
  const operation = found && methods.has(verb) && strict.paths[found.template][verb];
  return operation ? { template: found.template, verb, operation } : undefined;
}

function codeOf(answer) {
  return JSON.parse(answer.text).code;
}

/**
 * Fails unless the answer is described.
 * @param {string} method
 * @param {string} requested path and query, below the mount
 * @param {{status: number, headers: Record<string, string>, text: string}} answer
 */
export function assertDescribed(method, requested, answer) {
  const said = `${method} ${requested}: ${answer.status} ${answer.text}`;
  assert.ok(answer.headers["x-request-id"], `${said} has no X-Request-Id`);
  assert.equal(answer.headers["cache-control"], "no-store", said);
  const found = operationOf(method, requested);
  if (!found) {
    if (method === "OPTIONS" && answer.status === 204) return;
    // A Worker that is not set up says so everywhere. A HEAD has no body to say it in.
    if (method !== "HEAD") {
      const codes = ["not_found", "method_not_allowed", "misconfigured", "service_key_rejected"];
      assert.ok(codes.includes(codeOf(answer)), `${said}: there is no such operation`);
    }
    return;
  }
  const { template, verb, operation } = found;
  // Of a request that was passed on the status is Smartcar's.
  const any = answer.status < 300 ? "2XX" : "default";
  const described = operation.responses[answer.status] ? String(answer.status) : any;
  const given = operation.responses[described];
  assert.ok(given, `${said}: this status is not described`);
  const base = given.$ref?.slice(1) ?? pointer("paths", template, verb, "responses", described);
  const response = resolve(given);
  for (const [name, header] of Object.entries(response.headers)) {
    const value = answer.headers[name.toLowerCase()];
    if (resolve(header).required) assert.ok(value, `${said} lacks ${name}`);
  }
  for (const name of ["retry-after", "www-authenticate"]) {
    const isDescribed = Object.keys(response.headers).some((header) => header.toLowerCase() === name);
    if (answer.headers[name]) assert.ok(isDescribed, `${said}: ${name} is not described`);
  }
  if (method === "HEAD") return;
  if (!response.content) {
    assert.equal(answer.text, "", `${said}: no body is described`);
    return;
  }
  const type = answer.headers["content-type"];
  assert.ok(response.content[type], `${said}: the type ${type} is not described`);
  const validate = ajv.getSchema(`openapi#${base}${pointer("content", type, "schema")}`);
  const isPage = type.startsWith("text/html");
  const body = isPage ? answer.text : JSON.parse(answer.text);
  assert.ok(validate(body), `${said}\n${JSON.stringify(validate.errors, null, 2)}`);
  if (type !== "application/problem+json") return;
  assert.equal(answer.headers["retry-after"], body.retryAfter?.toString(), said);
  assert.equal(answer.headers["x-request-id"], body.requestId, said);
}
