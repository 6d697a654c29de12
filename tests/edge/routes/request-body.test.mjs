// The limits of a request's body hold whatever is said of it: how long it is, and how long it takes.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import http from "node:http";
import { after, test } from "node:test";

import { send } from "../harness/http.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { PREFIX, SERVICE_KEY } from "../harness/settings.mjs";
import { openEnv } from "../harness/env.mjs";

const CHUNK_BYTES = 64 * 1024;
const CHUNKS = 1_000;

// Over a service binding nothing but the Worker itself keeps a body to the length that it announces.
const BACKEND = `
export default {
  async fetch(request, { SMARTCAR }) {
    const headers = await request.json();
    let sent = 0;
    const body = new ReadableStream({
      pull(controller) {
        if (sent === ${CHUNKS}) return controller.close();
        sent += 1;
        controller.enqueue(new Uint8Array(${CHUNK_BYTES}).fill(32));
      },
    });
    const answer = await SMARTCAR.fetch("https://smartcar-connect${PREFIX}/internal/token", { method: "POST", headers, body });
    return Response.json({ status: answer.status, problem: await answer.json(), sent });
  },
};
`;

const env = await openEnv({ backends: [{ name: "backend", script: BACKEND }] });
after(() => env.close());

const authorized = { "content-type": "application/json", authorization: `Bearer ${SERVICE_KEY}` };

for (const [how, announced, status, code] of [
  ["that announces less than it is", "10", 400, "invalid_body"],
  ["that announces nothing", undefined, 413, "body_too_large"],
  ["that announces too much", `${CHUNKS * CHUNK_BYTES}`, 413, "body_too_large"],
  ["that announces no number", "ten", 413, "body_too_large"],
]) {
  test(`a long body ${how} is refused and not read`, async () => {
    const headers = { ...authorized, ...(announced === undefined ? {} : { "content-length": announced }) };
    const answer = (await send(env.edge.at("backend"), { method: "POST", body: JSON.stringify(headers) })).json();
    assert.deepEqual([answer.status, answer.problem.code], [status, code]);
    assert.ok(answer.sent * CHUNK_BYTES < 1024 * 1024, `${answer.sent} chunks were read`);
  });
}

test("a body is one JSON object: no list stands for one", async () => {
  const ask = (body) => send(`${env.edge.at(0)}${PREFIX}/internal/token`, { method: "POST", headers: authorized, body });
  const vehicle = "36ab27d0-fd9d-4455-823a-ce30af709ffc";
  for (const body of [
    JSON.stringify(["anonymous:x", null, null, vehicle, null]),
    JSON.stringify([{ principal: "anonymous:x", vehicleId: vehicle }]),
    '"text"',
    "null",
    "7",
    "",
    `{"principal":"anonymous:x","vehicleId":"${vehicle}"} {}`,
    `{"principal":"anonymous:x","principal":"anonymous:x","vehicleId":"${vehicle}"}`,
    `\ufeff{"principal":"anonymous:x","vehicleId":"${vehicle}"}`,
  ]) {
    assertProblem(await ask(body), { status: 400, code: "invalid_body" });
  }
  const client = env.client();
  const { state } = await client.start();
  const started = [randomBytes(32).toString("base64url"), `${env.edge.at(0)}/`];
  for (const body of [started, [{ stateFingerprint: started[0], redirectUri: started[1] }]]) {
    assertProblem(await client.post("/connect/start", body), { status: 400, code: "invalid_body" });
  }
  for (const body of [[`code=c&state=${state}`], [{ callback: `code=c&state=${state}` }]]) {
    assertProblem(await client.post("/connect/finish", body), { status: 400, code: "invalid_body" });
  }
});

/** A body of which `text` comes and then nothing more, though `length` bytes were announced. */
function unfinished({ length, text }) {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const headers = { ...authorized, "content-length": length };
    const url = `${env.edge.at(0)}${PREFIX}/internal/token`;
    const request = http.request(url, { method: "POST", headers, agent: false }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const body = Buffer.concat(chunks).toString();
        request.destroy();
        resolve({
          status: response.statusCode,
          headers: response.headers,
          text: body,
          json: () => JSON.parse(body),
          seconds: (performance.now() - began) / 1000,
        });
      });
    });
    request.on("error", reject);
    request.flushHeaders();
    request.write(text);
  });
}

test("a body that does not come is waited for no longer than 10 seconds", async () => {
  const answers = await Promise.all([unfinished({ length: 100, text: "" }), unfinished({ length: 100, text: "{" })]);
  for (const answer of answers) {
    const { detail } = assertProblem(answer, { status: 400, code: "invalid_body" });
    assert.match(detail, /10 seconds/);
    assert.ok(answer.seconds > 9 && answer.seconds < 60, `${answer.seconds} s`);
  }
});
