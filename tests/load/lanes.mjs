// The clients of `make load`, in a thread of their own: each lane is a connection that stays open, with one request under way.
import http from "node:http";
import { parentPort } from "node:worker_threads";

const PROGRESS_MS = 5_000;

/** @returns {Promise<{ms: number, status: number, text: string}>} */
function send(agent, { url, method, headers, body }) {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const request = http.request(url, { method, headers, agent }, (response) => {
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
  return sorted.length === 0 ? 0 : sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)];
}

function summary(name, times) {
  const sorted = [...times].sort((a, b) => a - b);
  return { name, count: sorted.length, p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99) };
}

/** Sends the requests of each lane over and over, for so many seconds. */
parentPort.on("message", async ({ seconds, lanes }) => {
  const times = new Map(lanes[0].map(({ name }) => [name, []]));
  const errors = [];
  let failed = 0;
  let count = 0;
  const ends = performance.now() + seconds * 1000;
  const progress = setInterval(() => parentPort.postMessage({ progress: { count, failed } }), PROGRESS_MS);

  async function lane(requests, at) {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    // Not all begin with the same one.
    for (let turn = at; performance.now() < ends; turn += 1) {
      const request = requests[turn % requests.length];
      const { ms, status, text } = await send(agent, request).catch((error) => ({ status: 0, text: `${error}` }));
      count += 1;
      if (status === 200) times.get(request.name).push(ms);
      else {
        failed += 1;
        if (errors.length < 5) errors.push(`${request.name}: ${status} ${text.slice(0, 300)}`);
      }
    }
    agent.destroy();
  }

  await Promise.all(lanes.map(lane));
  clearInterval(progress);
  parentPort.postMessage({ result: { count, failed, errors, routes: [...times].map(([name, all]) => summary(name, all)) } });
});
