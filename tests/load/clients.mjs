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
    tokens: new Set(good.map(({ text }) => (text ? JSON.parse(text).accessToken : undefined))).size,
  };
}

parentPort.on("message", async ({ count, oneByOne, requests }) => {
  const answers = [];
  for (let index = 0; index < (oneByOne ?? 0); index += 1) answers.push(await send(requests[index % requests.length]));
  const atOnce = Array.from({ length: count ?? 0 }, (_, index) => send(requests[index % requests.length]));
  answers.push(...(await Promise.all(atOnce)));
  parentPort.postMessage(summary(answers));
});
