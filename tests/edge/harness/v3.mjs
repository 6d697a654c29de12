// A deployment on Smartcar's v3: its settings, with the credentials that the simulator knows, and owners who connect by it.
import assert from "node:assert/strict";

export const V3 = {
  SMARTCAR_API_VERSION: "v3",
  SMARTCAR_API_CLIENT_ID: "client_simulator",
  SMARTCAR_API_CLIENT_SECRET: "simulator-api-client-secret",
};

let owners = 0;

/**
 * The whole flow of an owner; it has to succeed.
 * @param {object} env as `openEnv` or `openRedeploys` return
 * @param {object} client
 * @param {object} [grant] what the owner consents to, as `simulator.grant` takes it
 * @returns {Promise<{connection: object, userId: string}>} `userId` is Smartcar's id of the owner
 */
export async function connectedByV3({ simulator, redirectUri }, client, grant = {}) {
  const { state, ...started } = await client.start();
  assert.equal(started.status, 200, started.text);
  const { externalId } = started.json();
  owners += 1;
  const { userId } = await simulator.grant({ redirectUri, externalId, user: `v3-owner-${owners}@example.com`, ...grant });
  const answer = await client.finish({ user_id: userId, state });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.json().kind, "connected", answer.text);
  return { connection: answer.json().connection, userId };
}
