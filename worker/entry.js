// What is deployed: the built Worker, and its Durable Objects as classes whose methods can be called from outside. The
// platform allows that of classes that extend its own alone, which `worker-build` does not make of a Rust struct.
import { DurableObject } from "cloudflare:workers";
import Built, {
  ApplicationToken as BuiltApplicationToken,
  Vault as BuiltVault,
  WebhookInbox as BuiltWebhookInbox,
} from "./build/index.js";

/** Set when WebAssembly has trapped. `worker-build`'s classes then start the module again before they do anything. */
const state = globalThis.__worker_init_state;
const { fetch } = Built.prototype;

// Every step of a Rust future goes through `queueMicrotask`, and the platform's own takes ten times as long as a promise that
// is resolved already.
const resolved = Promise.resolve();
globalThis.queueMicrotask = (task) => {
  resolved.then(() => {
    try {
      task();
    } catch (error) {
      // As an uncaught error, not as a rejection: among the former `worker-build` looks for traps.
      reportError(error);
    }
  });
};

export default {
  /** Goes past `worker-build`'s class, which makes two proxies for each request, unless there was a trap. */
  fetch(request, env, ctx) {
    if (state.criticalError) return new Built(ctx, env).fetch(request);
    try {
      return fetch.call({ ctx, env }, request);
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError) state.criticalError = true;
      throw error;
    }
  },

  scheduled(controller, env, ctx) {
    return new Built(ctx, env).scheduled(controller);
  },
};

export class Vault extends DurableObject {
  #built;

  constructor(ctx, env) {
    super(ctx, env);
    this.#built = new BuiltVault(ctx, env);
  }

  /** Answers a `VaultRequest` with a `VaultReply`, both as JSON. */
  ask(request) {
    return this.#built.ask(request);
  }

  alarm() {
    return this.#built.alarm();
  }
}

export class ApplicationToken extends DurableObject {
  #built;

  constructor(ctx, env) {
    super(ctx, env);
    this.#built = new BuiltApplicationToken(ctx, env);
  }

  /** Answers an `ApplicationRequest` with an `ApplicationReply`, both as JSON. */
  ask(request) {
    return this.#built.ask(request);
  }
}

export class WebhookInbox extends DurableObject {
  #built;

  constructor(ctx, env) {
    super(ctx, env);
    this.#built = new BuiltWebhookInbox(ctx, env);
  }

  /** Keeps a `ReceivedEvent` and answers with an `InboxReply`, both as JSON. */
  receive(event) {
    return this.#built.receive(event);
  }

  alarm() {
    return this.#built.alarm();
  }
}
