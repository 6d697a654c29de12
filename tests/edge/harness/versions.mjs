// The same flow by each version of Smartcar's API: a page of the demo for both, one after the other.
import { after, afterEach, before, beforeEach, describe } from "node:test";

import { openDemo } from "./demo.mjs";
import { MINUTE } from "./spans.mjs";
import { V3 } from "./v3.mjs";

/** A token of the application's that is refused is asked for anew, and the request sent once more: that is no second one. */
const answered = (name) => async (simulator) =>
  (await simulator.requests()).filter(({ endpoint, status }) => endpoint === name && status === 200);

/**
 * What is another with each version.
 * @typedef {object} Version
 * @property {string} name
 * @property {(simulator: object) => Promise<object[]>} finishesOf what Smartcar was asked for finishes, and has answered
 * @property {(id: string) => string} battery a read of a car, as a page asks the Worker for it
 * @property {(id: string) => string} location another, which takes another permission
 * @property {(values: object) => object} adjust for the settings of a deployment
 */

/** @type {Version[]} */
export const VERSIONS = [
  {
    name: "v2",
    finishesOf: answered("exchange"),
    battery: (id) => `/smartcar/api/v2.0/vehicles/${id}/battery`,
    location: (id) => `/smartcar/api/v2.0/vehicles/${id}/location`,
    adjust: (values) => values,
  },
  {
    name: "v3",
    finishesOf: answered("v3_connections"),
    battery: (id) => `/smartcar/api/v3/vehicles/${id}/signals/tractionbattery-stateofcharge`,
    location: (id) => `/smartcar/api/v3/vehicles/${id}/signals/location-preciselocation`,
    adjust: ({ SMARTCAR_CLIENT_SECRET: _, ...values }) => ({ ...values, ...V3 }),
  },
];

/**
 * Runs `flows` by each version, in a group of its own.
 * @param {(version: Version, open: () => object) => void} flows declares the tests; in them `open()` is what `openDemo` returns
 * @param {object} [options] as `openDemo` takes them, and `reset`, which is done before each test when all is as at the start
 */
export function byEachVersion(flows, { adjust = (values) => values, reset = async () => {}, ...options } = {}) {
  for (const version of VERSIONS) {
    describe(`with Smartcar's ${version.name}`, () => {
      let demo;
      before(async () => {
        demo = await openDemo({ adjust: (values) => adjust(version.adjust(values)), ...options });
      });
      after(() => demo.close());
      beforeEach(async () => {
        // A token of the application's that the simulator has forgotten is not asked for anew in the minute in which it came.
        if (version.name === "v3") await demo.env.travel(2 * MINUTE);
        await demo.reset();
        await demo.simulator.advance(demo.env.now() - Date.now());
        await demo.simulator.configure({ v3: { bucketSize: 100_000, staleS: 0 } });
        await reset(demo);
      });
      afterEach(() => demo.closeProfiles());
      flows(version, () => demo);
    });
  }
}
