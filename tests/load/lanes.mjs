// The clients of `make load`, in a thread of their own: each lane is a connection that stays open, with one request under way.
import http from "node:http";
import { parentPort } from "node:worker_threads";

import { percentile, timed } from "./timed.mjs";

const PROGRESS_MS = 5_000;

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
      const { ms, status, text } = await timed(agent, request).catch((error) => ({ status: 0, text: `${error}` }));
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
