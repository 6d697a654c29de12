// The clients of the bench, in a thread of their own: they send requests at once over connections that stay open.
import http from "node:http";
import { parentPort } from "node:worker_threads";

const KEPT_OPEN = { keepAlive: true, maxSockets: Infinity, maxFreeSockets: Infinity };
const agents = new Map();

function agentFor(url) {
  const { origin } = new URL(url);
  if (!agents.has(origin)) agents.set(origin, new http.Agent(KEPT_OPEN));
  return agents.get(origin);
}

/** @returns {Promise<{ms: number, status: number, text: string}>} */
function send({ url, method, headers, body }) {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const request = http.request(url, { method, headers, agent: agentFor(url) }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk) => (text += chunk));
      response.on("end", () => resolve({ ms: performance.now() - began, status: response.statusCode, text }));
      response.on("error", reject);
    });
    request.on("error", reject);
    request.end(body);
  });
}

function percentile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)];
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
      answers.push(await send(request));
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
