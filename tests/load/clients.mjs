// The clients of the bench, in a thread of their own: they send requests at once over connections that stay open.
import http from "node:http";
import { parentPort } from "node:worker_threads";

import { percentile, timed } from "./timed.mjs";

const KEPT_OPEN = { keepAlive: true, maxSockets: Infinity, maxFreeSockets: Infinity };
const agents = new Map();

function agentFor(url) {
  const { origin } = new URL(url);
  if (!agents.has(origin)) agents.set(origin, new http.Agent(KEPT_OPEN));
  return agents.get(origin);
}

function summary(answers) {
  const times = answers.map(({ ms }) => ms).sort((a, b) => a - b);
  const good = answers.filter(({ status }) => status === 200);
  return {
    p50: percentile(times, 0.5),
    p99: percentile(times, 0.99),
    failed: answers.length - good.length,
    tokens: new Set(good.map(({ text }) => (text.startsWith("{") ? JSON.parse(text).accessToken : undefined))).size,
  };
}

/** Sends `count` requests over `lanes` connections, each waiting for its answer before it sends the next. */
async function inLanes(lanes, count, requests) {
  const answers = [];
  let next = 0;
  async function lane() {
    while (next < count) {
      const request = requests[next % requests.length];
      next += 1;
      answers.push(await timed(agentFor(request.url), request));
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane));
  return answers;
}

/** `lanes` is how many of the `count` requests are under way at once: all, unless it is given. */
parentPort.on("message", async ({ count = 0, lanes = count, oneByOne = 0, requests }) => {
  const answers = [...(await inLanes(1, oneByOne, requests)), ...(await inLanes(lanes, count, requests))];
  parentPort.postMessage(summary(answers));
});
