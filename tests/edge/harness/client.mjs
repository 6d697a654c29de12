// What a browser does, without one: keeps the session cookie, mints a state, sends the guard headers. Every answer of
// the Worker is kept, so that all of them can be scanned, and has to be one that `docs/openapi.json` describes.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";

import { assertDescribed } from "./contract.mjs";
import { send } from "./http.mjs";
import { PREFIX, SERVICE_KEY, sessionCookieAt } from "./settings.mjs";

/** A new state and its fingerprint, as the browser module makes them. */
export function mintState() {
  const state = `smartcar-connect.${randomBytes(32).toString("base64url")}`;
  return { state, fingerprint: createHash("sha256").update(state).digest("base64url") };
}

/** Status line, headers and body of an answer as one text. */
function transcriptOf(method, path, answer) {
  return `${method} ${path} ${answer.status}\n${JSON.stringify(answer.headers)}\n${answer.text}`;
}

export class Client {
  #edge;
  #page;
  #transcript;
  #prefix;
  #ended;
  /** The name of the session cookie. */
  cookieName;
  /** The value of the session cookie, if the Worker has set one. */
  cookie;

  /**
   * @param {object} edge as `startEdge` returns
   * @param {string} page the origin of the page that the browser is on
   * @param {string[]} transcript where each answer is kept
   * @param {string} [prefix] where the Worker is mounted
   */
  constructor(edge, page, transcript, prefix = PREFIX) {
    this.#edge = edge;
    this.#page = page;
    this.#transcript = transcript;
    this.#prefix = prefix;
    this.cookieName = sessionCookieAt(page, { prefix });
  }

  /** The headers that the npm package sends with a request that reads. */
  get meant() {
    return { "x-requested-with": "smartcar-connect", "sec-fetch-site": "same-origin" };
  }

  /** The headers that the npm package sends with a state-changing request. */
  get guards() {
    return { ...this.meant, "content-type": "application/json", origin: this.#page };
  }

  /**
   * Sends a request to the API.
   * @param {object} [options]
   * @param {number|string} [options.isolate] which isolate answers
   * @param {boolean} [options.byPlatform] whether the platform answers in the Worker's place, which nothing describes
   * @param {Record<string, string|undefined>} [options.headers] set over the client's own; `undefined` removes one
   */
  async request(method, path, { isolate = 0, headers = {}, body, chunked, byPlatform = false } = {}) {
    const own = { host: new URL(this.#page).host, ...(this.cookie ? { cookie: `${this.cookieName}=${this.cookie}` } : {}) };
    const all = Object.entries({ ...own, ...headers }).filter(([, value]) => value !== undefined);
    const answer = await send(`${this.#edge.at(isolate)}${this.#prefix}${path}`, {
      method,
      headers: Object.fromEntries(all),
      body,
      chunked,
    });
    this.#transcript.push(transcriptOf(method, path, answer));
    if (!byPlatform) assertDescribed(method, path, answer);
    for (const line of answer.setCookie) {
      if (line.startsWith(`${this.cookieName}=`)) this.#keep(line);
    }
    return answer;
  }

  #keep(line) {
    const [pair, ...attributes] = line.split("; ");
    if (attributes.includes("Max-Age=0")) {
      this.#ended = this.cookie;
      this.cookie = undefined;
    } else {
      this.cookie = pair.slice(this.cookieName.length + 1);
    }
  }

  /** The session goes on although the browser was told to forget it: somebody has kept the cookie, or a request is late. */
  goOn() {
    this.cookie ??= this.#ended;
  }

  get(path, { headers, ...options } = {}) {
    return this.request("GET", path, { ...options, headers: { ...this.meant, ...headers } });
  }

  post(path, json, { headers, ...options } = {}) {
    return this.request("POST", path, {
      ...options,
      headers: { ...this.guards, ...headers },
      body: JSON.stringify(json),
    });
  }

  delete(path, { headers, ...options } = {}) {
    return this.request("DELETE", path, { ...options, headers: { ...this.guards, ...headers } });
  }

  /** `POST /connect/start` with a fresh state, which the answer carries along. */
  async start({ redirectUri = `${this.#page}/`, mode, isolate } = {}) {
    const minted = mintState();
    const answer = await this.post(
      "/connect/start",
      { stateFingerprint: minted.fingerprint, redirectUri, mode },
      { isolate },
    );
    return { ...minted, ...answer };
  }

  /** `POST /connections/{id}/reconnect` with a fresh state, which the answer carries along. */
  async reconnect(id, { body = {}, ...options } = {}) {
    const minted = mintState();
    const json = { stateFingerprint: minted.fingerprint, redirectUri: `${this.#page}/`, ...body };
    return { ...minted, ...(await this.post(`/connections/${id}/reconnect`, json, options)) };
  }

  /** `POST /connect/finish` with the query of a callback: as text, or as names and values. */
  finish(query, options) {
    const callback = typeof query === "string" ? query : `?${new URLSearchParams(query)}`;
    return this.post("/connect/finish", { callback }, options);
  }

  /**
   * The whole flow without a browser: start, consent, finish.
   * @param {object} simulator as `startSimulator` returns
   * @param {object} [grant] what the owner consents to, as `simulator.grant` takes it
   */
  async connect(simulator, grant) {
    const { state } = await this.start();
    const { code } = await simulator.grant({ redirectUri: `${this.#page}/`, ...grant });
    const query = { code, state };
    return { query, answer: await this.finish(query) };
  }

  /** As `connect`, which has to succeed. Returns the connection. */
  async connected(simulator, grant) {
    const { answer } = await this.connect(simulator, grant);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json().kind, "connected", answer.text);
    return answer.json().connection;
  }

  /** The name that the Worker gives this client, as the app's back end passes it to `POST /internal/token`. */
  get principal() {
    const sessionId = Buffer.from((this.cookie ?? this.#ended).split(".").at(-2), "base64url").subarray(0, 32);
    const hash = createHash("sha256").update("smartcar-connect/principal/v1\0").update(sessionId);
    return `anonymous:${hash.digest("base64url")}`;
  }

  /**
   * What the app's back end does: asks for an access token of this client.
   * @param {object} wanted what the body says beside the principal, or in its place: `connectionId` or `vehicleId`, …
   */
  askToken(wanted, { serviceKey = SERVICE_KEY, ...options } = {}) {
    return this.request("POST", "/internal/token", {
      headers: { "content-type": "application/json", authorization: `Bearer ${serviceKey}`, cookie: undefined },
      body: JSON.stringify({ principal: this.principal, ...wanted }),
      ...options,
    });
  }

  /** As `askToken`, of one of this client's connections. */
  token(connection, options) {
    return this.askToken({ connectionId: connection.id }, options);
  }

  async connections(options) {
    return (await this.get("/connections", options)).json().connections;
  }

  /** The ids of the connections, as they are listed. */
  async connectionIds() {
    return (await this.connections()).map(({ id }) => id);
  }
}
