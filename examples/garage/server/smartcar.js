// How the back end asks the Worker about a user's cars: with the service key, and a header that names the user.
import { setTimeout as sleep } from "node:timers/promises";

import { SERVICE_KEY, WORKER } from "./settings.js";

const TRIES = 3;
const LONGEST_PAUSE_S = 60;

/** What the Worker or Smartcar did not do: `code` is the Worker's name for it, `smartcar` what Smartcar says. */
export class Refused extends Error {
  constructor({ code, detail, smartcar }, status, retryAfter) {
    super(detail ?? `the Worker answered ${status}`);
    Object.assign(this, { code, smartcar, status, retryAfter });
  }
}

/** Asks, and asks again where the answer is that now is too early: when it says, and no sooner. */
export async function ask(user, path) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await askOnce(user, path);
    } catch (error) {
      const pause = error.retryAfter ?? 2 ** tries;
      const mayPass = [429, 503].includes(error.status) || !(error instanceof Refused);
      if (!mayPass || tries === TRIES || pause > LONGEST_PAUSE_S) throw error;
      await sleep(pause * 1000);
    }
  }
}

async function askOnce(user, path) {
  const headers = { authorization: `Bearer ${SERVICE_KEY}`, "smartcar-connect-user": user, "sc-unit-system": "metric" };
  const answer = await fetch(`${WORKER}${path}`, { headers });
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(body, answer.status, body.retryAfter);
  return body;
}
