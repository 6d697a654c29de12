// What is deployed: the built Worker, its Durable Object as a class whose methods can be called from outside. The platform
// allows that of classes that extend its own alone, which `worker-build` does not make of a Rust struct.
import { DurableObject } from "cloudflare:workers";
import Built, { Vault as BuiltVault } from "./build/index.js";

export default Built;

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
