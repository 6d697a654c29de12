// What Workers KV does and Miniflare's KV does not: stale reads, refusals, losses. `kv.mjs` puts it behind workerd's binding.

const MIN_TTL_SECONDS = 60;
const LIST_LIMIT = 1000;

export class KvStore {
  #entries = new Map();
  #caches = new Map();
  #lastWrites = new Map();
  #offset = 0;
  #stoppedAt;

  /** For how long a location goes on giving what it read, a miss too, in ms; 0 = strongly consistent. */
  cacheMs = 0;
  /** Whether a second write to a key within a second is refused with 429. */
  oneWritePerSecond = false;
  /** The status that the next `refusals` writes are refused with. */
  refusal = 429;
  refusals = 0;
  /** How many of the next writes are answered as done and forgotten. */
  losses = 0;

  /** Called before a write is made and after it: `{key, metadata, when: "before" | "after"}`; the write waits for it. */
  onWrite = async () => {};

  /** Called before a read or a list is answered: `{operation, key?}`; the answer waits for it. */
  onRead = async () => {};
  /** Whether a cursor is refused, as KV does with one that it does not know. */
  refusesCursors = false;

  /** Every read and write in order: `{operation, location, key, status, cached?}`. */
  log = [];

  /** Makes everything well again; the entries stay. */
  reset() {
    const hooks = { onWrite: async () => {}, onRead: async () => {} };
    Object.assign(this, { cacheMs: 0, oneWritePerSecond: false, refusal: 429, refusals: 0, losses: 0, refusesCursors: false, ...hooks });
    this.log = [];
    this.#stoppedAt = undefined;
  }

  now() {
    return (this.#stoppedAt ?? Date.now()) + this.#offset;
  }

  /** Stops the clock until `reset`: then only `advance` moves it, however slow the machine is. */
  stopClock() {
    this.#stoppedAt = Date.now();
  }

  /** Holds every write that `wanted` picks, before it is made. `release` lets them go, and holds no further one. */
  holdWrites(wanted = () => true) {
    const { promise: released, resolve } = Promise.withResolvers();
    let held = 0;
    this.onWrite = async (write) => {
      if (write.when !== "before" || !wanted(write)) return;
      held += 1;
      await released;
    };
    const release = () => {
      this.onWrite = async () => {};
      resolve();
    };
    return { isHeld: () => held > 0, release };
  }

  /** Lets every read or list that `wanted` picks hang from now on. Returns what ends that. */
  hangReads(wanted = () => true) {
    const { promise: released, resolve } = Promise.withResolvers();
    this.onRead = async (read) => {
      if (wanted(read)) await released;
    };
    return () => {
      this.onRead = async () => {};
      resolve();
    };
  }

  /** As `holdWrites`, but only the first one: others go by. */
  holdFirstWrite(wanted = () => true) {
    let taken = false;
    return this.holdWrites((write) => {
      if (taken || !wanted(write)) return false;
      taken = true;
      return true;
    });
  }

  /** The writes that were answered: `put` or `delete`. */
  writes() {
    return this.log.filter(({ operation }) => operation === "put" || operation === "delete");
  }

  /** Moves the clock of the namespace: caches and entries age, writes may be made again. */
  advance(ms) {
    this.#offset += ms;
  }

  /** What is truly stored. */
  entries() {
    return new Map([...this.#entries].filter(([, entry]) => this.#alive(entry)));
  }

  #alive(entry) {
    return entry !== undefined && (entry.expiresAt === undefined || entry.expiresAt > this.now());
  }

  #cacheOf(location) {
    if (!this.#caches.has(location)) this.#caches.set(location, new Map());
    return this.#caches.get(location);
  }

  #remember(location, key, entry) {
    this.#cacheOf(location).set(key, { entry, until: this.now() + this.cacheMs });
  }

  read(location, key) {
    const cache = this.#cacheOf(location).get(key);
    const cached = cache !== undefined && cache.until > this.now();
    const entry = cached ? cache.entry : this.#entries.get(key);
    if (!cached) this.#remember(location, key, entry);
    const found = this.#alive(entry) ? entry : undefined;
    this.log.push({ operation: "get", location, key, status: found ? 200 : 404, cached });
    return found;
  }

  /** Writes `change`, or deletes where there is none. */
  write(location, key, change) {
    const answer = this.#admit(key, change);
    this.log.push({ operation: change ? "put" : "delete", location, key, status: answer.status });
    if (answer.status !== 200) return answer;
    this.#lastWrites.set(key, this.now());
    if (this.losses > 0) {
      this.losses -= 1;
      return answer;
    }
    const entry = change && { value: change.value, metadata: change.metadata, expiresAt: this.#expiry(change) };
    if (entry) this.#entries.set(key, entry);
    else this.#entries.delete(key);
    // The writer's own location sees its write; the others wait for their caches to age.
    this.#remember(location, key, entry);
    return answer;
  }

  #admit(key, change) {
    if (change?.ttl && Number(change.ttl) < MIN_TTL_SECONDS) {
      return { status: 400, body: `Invalid expiration_ttl of ${change.ttl}` };
    }
    if (this.refusals > 0) {
      this.refusals -= 1;
      return { status: this.refusal };
    }
    const last = this.#lastWrites.get(key);
    if (this.oneWritePerSecond && last !== undefined && this.now() - last < 1000) return { status: 429 };
    return { status: 200 };
  }

  #expiry({ ttl, expiration }) {
    if (ttl) return this.now() + Number(ttl) * 1000;
    return expiration ? Number(expiration) * 1000 : undefined;
  }

  /** Key listing is never cached here; KV promises no more for it than for reads. A cursor is a place among the names. */
  list(parameters) {
    const prefix = parameters.get("prefix") ?? "";
    const after = parameters.get("cursor") ?? "";
    const limit = Math.min(Number(parameters.get("key_count_limit") ?? LIST_LIMIT), LIST_LIMIT);
    const matching = [...this.entries()]
      .filter(([name]) => name.startsWith(prefix) && name > after)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    const keys = matching.slice(0, limit).map(([name, entry]) => ({
      name,
      ...(entry.expiresAt === undefined ? {} : { expiration: Math.floor(entry.expiresAt / 1000) }),
      ...(entry.metadata === undefined ? {} : { metadata: entry.metadata }),
    }));
    const more = limit < matching.length;
    return { keys, list_complete: !more, cacheStatus: null, ...(more ? { cursor: keys.at(-1).name } : {}) };
  }
}
