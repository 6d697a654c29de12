// A user of the app's own, who shows a token with every request, beside the cookies that the browser has.
import { Client } from "./client.mjs";

export class User extends Client {
  /** The token, if the user is logged in. */
  token;
  #tokenCookie;

  /**
   * @param {object} env as `openEnv` returns
   * @param {string} [token]
   * @param {string} [tokenCookie] the name of the cookie that has the token; it is a bearer token otherwise
   */
  constructor(env, token, tokenCookie) {
    super(env.edge, env.page, env.transcript);
    this.token = token;
    this.#tokenCookie = tokenCookie;
  }

  request(method, path, { headers, ...options } = {}) {
    return super.request(method, path, { ...options, headers: { ...this.#credentials(), ...headers } });
  }

  #credentials() {
    if (this.token === undefined) return {};
    if (!this.#tokenCookie) return { authorization: `Bearer ${this.token}` };
    const session = this.cookie ? [`${this.cookieName}=${this.cookie}`] : [];
    return { cookie: [...session, `${this.#tokenCookie}=${this.token}`].join("; ") };
  }
}
