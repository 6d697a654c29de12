// The HTTP API from `docs/openapi.json`, a page for each of its parts.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { createMarkdownFromOpenApi } from "@scalar/openapi-to-markdown";
import { ROOT } from "./sources.mjs";

/** What is passed on to Smartcar: its bodies are Smartcar's, and `vehicles-api.md` has a table of it. */
const PASSED_ON = "/api/";
const PARTS = [
  { name: "connect", title: "Connecting", starts: ["/connect/"] },
  { name: "connections", title: "Connections and cars", starts: ["/connections", "/vehicles"] },
  { name: "session", title: "Sessions", starts: ["/session"] },
  { name: "internal", title: "For the app's back end", starts: ["/internal/"] },
  { name: "others", title: "Webhooks, and the Worker itself", starts: ["/webhooks", "/openapi.json", "/healthz"] },
];
const METHODS = ["get", "post", "put", "delete"];
/** Headers that every answer has. */
const EVERYWHERE = ["Cache-Control", "X-Request-Id"];

const operationsOf = (paths) =>
  Object.entries(paths).flatMap(([route, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({ route, method, operation: item[method] })),
  );

/** The parts of the description that something in it refers to. */
function reachable(description, start) {
  const found = new Set();
  const visit = (value) => {
    if (value === null || typeof value !== "object") return;
    if (typeof value.$ref === "string" && !found.has(value.$ref)) {
      found.add(value.$ref);
      visit(value.$ref.split("/").slice(1).reduce((inside, name) => inside[name], description));
    }
    Object.values(value).forEach(visit);
  };
  visit(start);
  return found;
}

/** A description of these paths alone, without what every answer has and what every problem is. */
function partOf(description, paths) {
  const part = structuredClone({ ...description, paths });
  for (const { operation } of operationsOf(part.paths)) {
    delete operation.security; // `who` says it in a line
    for (const [status, answer] of Object.entries(operation.responses)) {
      const { content, headers, ...said } = answer.$ref ? part.components.responses[answer.$ref.split("/").at(-1)] : answer;
      for (const name of EVERYWHERE) delete headers?.[name];
      operation.responses[status] = content?.["application/problem+json"] ? said : { ...said, content, headers };
    }
  }
  const used = reachable(part, part.paths);
  const kept = Object.entries(part.components).map(([kind, entries]) => {
    const referred = Object.entries(entries).filter(([name]) => used.has(`#/components/${kind}/${name}`));
    return [kind, Object.fromEntries(referred)];
  });
  return { ...part, components: Object.fromEntries(kept.filter(([, entries]) => Object.keys(entries).length > 0)) };
}

const CREDENTIALS = {
  session: "[a session](/http-api.html#the-session-cookie)",
  userToken: "[a token of the app's log-in](/http-api.html#tokens-of-the-apps-log-in)",
  serviceKey: "[a service key](/http-api.html#from-the-back-end)",
};

/** Who may ask. */
function who({ security = [{}] }) {
  const ways = security.map((way) => {
    const names = Object.keys(way).map((name) => CREDENTIALS[name] ?? `\`${name}\``);
    return names.length === 0 ? "nobody in particular" : names.join(" with ");
  });
  return `Who asks: ${[...new Set(ways)].join(", ").replace(/, ([^,]*)$/, " or $1")}.`;
}

const HEAD = (title) => `---\neditLink: false\noutline: [2, 2]\n---\n\n# ${title}\n`;
const NOTE = `Problems are listed by their codes: [Errors](/errors.html) says what each means and what to do.`;

/** What the library writes, without what stands on every page: its own head, its list, and examples that it makes of the types alone. */
function body(markdown, operations) {
  const [, written] = markdown.split(/^## Operations$/m);
  const rest = [...operations];
  const text = written
    ?.replace(/^### .*\n\n- \*\*Method:\*\*\s.*\n- \*\*Path:\*\*\s`(.*)`\n- \*\*Operation ID:\*\*\s`(.*)`\n/gm, (_, route, id) => {
      const [{ method, operation }] = rest.splice(rest.findIndex((one) => one.route === route && one.operation.operationId === id), 1);
      return `## \`${method.toUpperCase()} ${route}\`\n\n${operation.summary}. ${who(operation)}\n`;
    })
    .replace(/^(<a id="[^"]*"><\/a>\n\n)?(?:\*\*Generated example:\*\*|\[Generated example\].*)\n(\n```json\n[\s\S]*?\n```\n)?/gm, "")
    .replace(/^\*\*Servers:\*\*\s.*\n/gm, "")
    .replace(/^#### Authentication\n\nNo authentication required\.\n/gm, "")
    .replace(/^##### ([45]\d\d) (.*)\n/gm, (_, status, problems) => `- **${status}** ${problems.replaceAll("\\`", "`")}`)
    .replace(/^#(####? .*)$/gm, (_, heading) => heading);
  if (!text || rest.length > 0) throw new Error("@scalar/openapi-to-markdown writes its pages otherwise than it did");
  return text;
}

/** Writes the pages into `folder`. */
export async function writeOpenApi(folder) {
  const description = JSON.parse(await readFile(path.join(ROOT, "docs/openapi.json"), "utf8"));
  await mkdir(folder, { recursive: true });
  const index = [];
  const isIn = ({ starts }, route) => starts.some((start) => route.startsWith(start));
  for (const part of PARTS) {
    const paths = Object.fromEntries(Object.entries(description.paths).filter(([route]) => isIn(part, route)));
    const markdown = await createMarkdownFromOpenApi(partOf(description, paths));
    const text = body(markdown, operationsOf(paths));
    await writeFile(path.join(folder, `${part.name}.md`), `${HEAD(part.title)}\n${NOTE}\n${text}`);
    index.push(`## [${part.title}](${part.name}.md)\n`, ...operationsOf(paths).map(summary), "");
  }
  const others = operationsOf(description.paths).filter(({ route }) => !PARTS.some((part) => isIn(part, route)));
  const strange = others.find(({ route }) => !route.startsWith(PASSED_ON));
  if (strange) throw new Error(`${strange.route} belongs to no part: add it to one in docs/site/build/openapi.mjs`);
  index.push("## [Passed on to Smartcar](/vehicles-api.html)\n", ...others.map(summary), "");
  await writeFile(path.join(folder, "index.md"), `${HEAD("The HTTP API in OpenAPI")}\n${INTRODUCTION}\n${index.join("\n")}`);
}

const summary = ({ route, method, operation }) => `- \`${method.toUpperCase()} ${route}\`: ${operation.summary}`;

const INTRODUCTION = `Every operation, parameter, body and answer of [openapi.json](/openapi.json), which describes the API for programs in
OpenAPI; a Worker answers with its own at \`/openapi.json\`. [The HTTP API](/http-api.html) says what they are for, and
[Errors](/errors.html) what to do about a problem.

Paths are those below \`PATH_PREFIX\`, \`/smartcar\` unless it is set. Every answer has \`Cache-Control: no-store\` and an \`X-Request-Id\`.
`;
