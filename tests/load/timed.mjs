// Requests whose time is taken.
import http from "node:http";

/** @returns {Promise<{ms: number, status: number, text: string}>} */
export function timed(agent, { url, method, headers, body }) {
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

/** Of times in order: the one that this share of them does not exceed; 0 if there is none. */
export function percentile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0;
}
