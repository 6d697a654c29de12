// What schemathesis thinks of from the description, asked of the Worker: no defect, and no answer that is not described.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { mintState } from "../edge/harness/client.mjs";
import { openEnv } from "../edge/harness/env.mjs";
import { PREFIX, SERVICE_KEY } from "../edge/harness/settings.mjs";
import { SECOND } from "../edge/harness/spans.mjs";

/** Named by `cargo xtask test openapi`, which installs it. */
const program = process.env.SCHEMATHESIS;
/** A schema cannot say all that a value must be, such as the fingerprint of a state: what follows its schema may be refused. */
const LEFT_OUT = ["positive_data_acceptance"];
/** For how long each caller asks. */
const SECONDS = 20;

const env = await openEnv();
const folder = await mkdtemp(path.join(os.tmpdir(), "smartcar-connect-openapi-"));
after(async () => {
  await env.close();
  await rm(folder, { recursive: true, force: true });
});

/** The description that the Worker serves, with values that lead further than what is made up. */
async function descriptionFor(client) {
  const connection = await env.connected(client);
  const { state } = await client.start();
  const code = await env.consent();
  const description = (await client.get("/openapi.json")).json();
  const { paths } = description;
  const set = (at, method, example) => {
    paths[at][method].requestBody.content["application/json"].example = example;
  };
  set("/connect/start", "post", { stateFingerprint: mintState().fingerprint, redirectUri: env.redirectUri });
  set("/connect/finish", "post", { callback: `code=${code}&state=${state}` });
  set("/internal/token", "post", { principal: client.principal, connectionId: connection.id });
  paths["/connections/{id}"].parameters[0].example = connection.id;
  paths["/connect/attempts/{fingerprint}"].parameters[0].example = (await client.start()).fingerprint;
  return description;
}

async function schemathesis(name, description, headers, leftOut = LEFT_OUT) {
  const file = path.join(folder, `${name}.json`);
  await writeFile(file, JSON.stringify(description));
  const all = Object.entries(headers).flatMap(([header, value]) => ["--header", `${header}: ${value}`]);
  const child = spawn(
    program,
    [
      ...["run", file, "--url", `${env.edge.origin}${PREFIX}`, "--no-color", "--seed", "1", "--continue-on-failure"],
      ...["--phases", "examples,coverage,fuzzing", "--max-time", String(SECONDS), "--max-examples", "25"],
      ...["--exclude-checks", leftOut.join(), "--warnings", "off", "--suppress-health-check", "all"],
      ...all,
    ],
    { cwd: folder, stdio: ["ignore", "pipe", "pipe"] },
  );
  const said = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => said.push(chunk));
  const [status] = await once(child, "exit");
  const text = Buffer.concat(said).toString();
  assert.equal(status, 0, text);
  const operations = Object.values(description.paths).flatMap((item) => Object.values(item).filter((one) => one.operationId));
  assert.match(text, new RegExp(`Tested: ${operations.length}\\b`), text);
}

const page = { Origin: env.page, "X-Requested-With": "smartcar-connect" };

test("a page with a session is answered as described, whatever it asks", async () => {
  const client = env.client();
  const description = await descriptionFor(client);
  const headers = { ...page, Cookie: `${client.cookieName}=${client.cookie}` };
  // It believes that it has left out the cookie and the header, which it is told to send always.
  await schemathesis("session", description, headers, [...LEFT_OUT, "negative_data_rejection"]);
});

test("a back end with a service key is answered as described, whatever it asks", async () => {
  const description = await descriptionFor(env.client());
  // What shows that a page means what a browser sends says nothing beside a key that no browser sends: any value will do.
  description.components.parameters.RequestedWith.schema = { type: "string" };
  await schemathesis("service", description, { Authorization: `Bearer ${SERVICE_KEY}` });
});

test("nobody in particular is answered as described, whatever is asked", async () => {
  await schemathesis("nobody", await descriptionFor(env.client()), {});
});

test("none of that made the Worker start again", async () => {
  // So many requests have failed that the log has no line of the next one, until a while has passed.
  await sleep(4 * SECOND);
  assert.doesNotMatch(await env.log(), /panic|Critical|Reinitializing/i);
});
