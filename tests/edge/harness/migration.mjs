// A deployment on the way from Smartcar's v2 to its v3: owners connect with v2 in one Worker, and others of the same script move
// what they connected, each with another `SMARTCAR_MIGRATION`.
import assert from "node:assert/strict";

import { openRedeploys } from "./redeploys.mjs";
import { send } from "./http.mjs";
import { PREFIX, SERVICE_KEY, sealingKey } from "./settings.mjs";
import { V3 } from "./v3.mjs";

/** More pages than any test has. */
const ENOUGH_PAGES = 2_000;

/** Opens a deployment that has Smartcar's v2 alone; `deploy` deploys it anew. */
export async function openMigration() {
  const redeploys = await openRedeploys();
  const { simulator } = redeploys;
  const keys = [sealingKey("k1")];
  const headers = { authorization: `Bearer ${SERVICE_KEY}` };

  /** `GET` or `POST /internal/migration`. */
  function ask(method, query = "") {
    return send(`${redeploys.edge.at(0)}${PREFIX}/internal/migration${query}`, { method, headers });
  }

  /**
   * Goes through all pages, as an operator does: waits where Smartcar wants to be left alone, and asks the same page again that
   * did not come.
   * @returns {Promise<{counts: object, connections: object[]}>} of the whole pass
   */
  async function pass(method, { limit = 40, onPage = async () => {}, wait = async () => {} } = {}) {
    const connections = [];
    for (let pages = 0, cursor = ""; pages < ENOUGH_PAGES; pages += 1) {
      const answer = await ask(method, `?limit=${limit}${cursor && `&cursor=${cursor}`}`);
      if (answer.status === 503) {
        await wait(Number(answer.headers["retry-after"] ?? 1));
        continue;
      }
      assert.equal(answer.status, 200, answer.text);
      const page = answer.json();
      connections.push(...page.connections);
      await onPage(page);
      if (page.cursor === null) return { counts: page.counts, connections };
      if (page.retryAfter !== null) await wait(page.retryAfter);
      cursor = page.cursor;
    }
    return assert.fail("the pass has no end");
  }

  return {
    ...redeploys,
    get edge() {
      return redeploys.edge;
    },
    keys,
    ask,
    /** Deploys it with Smartcar's v2 alone, or with both and this `SMARTCAR_MIGRATION`. */
    deploy(mode, settings = {}) {
      const migration = mode ? { ...V3, ...(mode === "unset" ? {} : { SMARTCAR_MIGRATION: mode }) } : {};
      return redeploys.deploy(keys, { ...migration, ...settings });
    },
    pass,
    /** What the report says of one connection. */
    async reported(id, method = "GET") {
      const { connections } = await pass(method);
      return connections.find((one) => one.id === id);
    },
    /** How many refreshes Smartcar was asked for so far. */
    refreshes: async () => (await simulator.tokenRequests()).filter(({ endpoint }) => endpoint === "refresh").length,
  };
}
