// Smartcar's webhooks as Smartcar sends them, and the app that receives what is handed on.
import { createHmac, randomUUID } from "node:crypto";
import { createServer } from "node:http";

import { send } from "./http.mjs";
import { PREFIX } from "./settings.mjs";

export const TOKEN = "0b1c1a4e-5f0f-4dbb-9f55-1d6a4b8b7a10";
export const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

export const sign = (body, token = TOKEN) => createHmac("sha256", token).update(body).digest("hex");

/** An event of a vehicle. `more` is added to `data`. */
export function event({ eventType = "VEHICLE_STATE", eventId = randomUUID(), userId, externalId = null, vehicleId, at, ...more }) {
  return {
    eventId,
    eventType,
    data: { user: { id: userId, externalId }, vehicle: { id: vehicleId, mode: "live" }, ...more },
    meta: { version: "4.0", mode: "LIVE", ...(at === undefined ? {} : { deliveredAt: at }) },
  };
}

/** An event that says of the owner's log-in at the car's maker that it has failed, or is good again. */
export function logIn(state, of) {
  const error = { type: "CONNECTED_SERVICES_ACCOUNT", code: "AUTHENTICATION_FAILED", state, signals: [] };
  const resolution = state === "ERROR" ? { resolution: { type: "REAUTHENTICATE" } } : {};
  return event({ eventType: "VEHICLE_ERROR", errors: [{ ...error, ...resolution }], ...of });
}

/** Posts a body, an object or bytes, signed by `token` or as `signature` says. */
export function post(edge, body, { token = TOKEN, signature, headers = {}, isolate = 0 } = {}) {
  const bytes = typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const signed = signature === undefined ? sign(bytes, token) : signature;
  return send(`${edge.at(isolate)}${PREFIX}/webhooks`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(signed === null ? {} : { "sc-signature": signed }), ...headers },
    body: bytes,
  });
}

/**
 * An app that takes what is handed on. `answer` decides, and may be replaced: a status, or what ends the response itself.
 * @returns {Promise<{url: string, received: {headers: object, body: string}[], answer: Function, close: () => Promise<void>}>}
 */
export async function startApp() {
  const app = { received: [], answer: () => 204 };
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    app.received.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
    const status = await app.answer(response, app.received.length);
    if (typeof status === "number") response.writeHead(status).end();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  app.url = `http://127.0.0.1:${server.address().port}/events`;
  app.close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return app;
}

/** Whether a message is signed as the Standard Webhooks specification has it, by this secret. */
export function isSigned({ headers, body }, secret = SECRET) {
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
  const wanted = `v1,${createHmac("sha256", key).update(signed).digest("base64")}`;
  return headers["webhook-signature"].split(" ").includes(wanted);
}
