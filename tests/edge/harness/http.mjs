// A plain HTTP client. `fetch` would choose some of the headers (Origin, Sec-Fetch-*, Host) that the tests are about.
import http from "node:http";

// workerd closes what is idle for some seconds: nothing is to be sent on a connection at that very moment. Requests may take longer.
const agent = new http.Agent({ keepAlive: true, maxSockets: Infinity, timeout: 3_000 });

/**
 * Sends one request and reads the whole answer. Redirects are not followed.
 * @returns {Promise<{status: number, headers: http.IncomingHttpHeaders, setCookie: string[], text: string,
 *   json: () => any}>}
 */
export function send(url, { method = "GET", headers = {}, body, chunked = false } = {}) {
  const target = new URL(url);
  // As it is given: `URL` would tidy up what a hostile client sends.
  const path = url.slice(target.origin.length) || "/";
  const payload = body === undefined ? undefined : Buffer.isBuffer(body) ? body : Buffer.from(body);
  const framing = chunked ? { "transfer-encoding": "chunked" } : { "content-length": payload?.length };
  return new Promise((resolve, reject) => {
    const request = http.request(
      {
        agent,
        host: target.hostname,
        port: target.port,
        path,
        method,
        headers: { ...(payload === undefined ? {} : framing), ...headers },
      },
      (response) => {
        const chunks = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString("utf8");
          resolve({
            status: response.statusCode,
            headers: response.headers,
            setCookie: response.headers["set-cookie"] ?? [],
            text,
            json: () => JSON.parse(text),
          });
        });
      },
    );
    request.on("error", reject);
    request.end(payload);
  });
}

/** Ends the connections kept open, so that the process can end. */
export function closeConnections() {
  agent.destroy();
}
