// The HTTP API's description, as far as examples can be held to it: names, types and fixed values, not the form of a text.
import { read } from "./blocks.mjs";

export const description = JSON.parse(read("docs/openapi.json"));

const resolved = (schema) =>
  schema.$ref ? schema.$ref.split("/").slice(1).reduce((inside, name) => inside[name], description) : schema;

const typeOf = (value) =>
  value === null ? "null" : Array.isArray(value) ? "array" : Number.isInteger(value) ? "integer" : typeof value;

/** Whether an example is what a schema describes; members may be left out, and `…` stands for any text. */
export function fits(value, anySchema) {
  const schema = resolved(anySchema);
  const { oneOf, anyOf, allOf, type, properties, items } = schema;
  if ((oneOf ?? anyOf)?.every((one) => !fits(value, one))) return false;
  if (allOf?.some((one) => !fits(value, one))) return false;
  const types = type === undefined ? [] : [type].flat();
  if (types.length > 0 && !types.includes(typeOf(value)) && !(types.includes("number") && typeof value === "number")) return false;
  if (typeof value === "string" && value.includes("…")) return true;
  if ("const" in schema && schema.const !== value) return false;
  if (schema.enum && !schema.enum.includes(value)) return false;
  if (Array.isArray(value)) return !items || value.every((one) => fits(one, items));
  if (typeOf(value) !== "object" || !properties) return true;
  return Object.entries(value).every(([name, member]) => properties[name] && fits(member, properties[name]));
}

/** Every operation, with the path as a pattern. */
export const OPERATIONS = Object.entries(description.paths).flatMap(([path, item]) =>
  Object.entries(item)
    .filter(([, { operationId }]) => operationId)
    .map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      pattern: new RegExp(`^${path.replace(/[.$]/g, "\\$&").replace(/\{\w+\}/g, "[^/]+")}$`),
      operation,
    })),
);

/** Whether there is a route at this path below the mount. */
export const isRoute = (path) => OPERATIONS.some(({ pattern }) => pattern.test(path));

/** What an operation takes and answers. */
export function bodiesOf({ requestBody, responses }) {
  const contents = [requestBody, ...Object.values(responses).map(resolved)].map((one) => one && resolved(one).content);
  return contents.flatMap((content) => (content?.["application/json"] ? [content["application/json"].schema] : []));
}
