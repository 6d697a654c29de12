// One request to Smartcar for a caller who waits for the answer. It ends with the caller, at its deadline, or where the answer
// becomes too long; the answer's body is handed on as it comes.

/** An answer, whatever its status. One of `stream`, `bytes` and `discard` has to be called. */
class Answer {
  #response;
  #call;
  #kept;

  constructor(response, call) {
    this.#response = response;
    this.#call = call;
  }

  get status() {
    return this.#response.status;
  }

  header(name) {
    return this.#response.headers.get(name) ?? undefined;
  }

  /** The body, which breaks off where it is longer than `limit` bytes. It outlives whoever would be told that the caller left. */
  stream(limit) {
    this.#call.left = () => {};
    return this.#counted(limit);
  }

  /** As `stream`; what has come is `kept` as well. */
  keptStream(limit) {
    this.#call.left = () => {};
    const chunks = [];
    const counted = this.#counted(limit).getReader();
    const { promise, resolve } = Promise.withResolvers();
    this.#kept = promise;
    return new ReadableStream({
      async pull(controller) {
        try {
          const { value, done } = await counted.read();
          if (done) {
            resolve(new Uint8Array(await new Blob(chunks).arrayBuffer()));
            controller.close();
          } else {
            chunks.push(value);
            controller.enqueue(value);
          }
        } catch (error) {
          resolve(null);
          controller.error(error);
        }
      },
      cancel(reason) {
        resolve(null);
        return counted.cancel(reason);
      },
    });
  }

  /** The whole body of `keptStream`, once it has come; `null` if it broke off. */
  kept() {
    return this.#kept;
  }

  #counted(limit) {
    const call = this.#call;
    const { body } = this.#response;
    if (body === null) {
      call.end();
      return new Response("").body;
    }
    let left = limit;
    const counted = new TransformStream({
      start(controller) {
        call.onGivenUp = () => controller.error(new Error("the answer was given up"));
      },
      transform(chunk, controller) {
        left -= chunk.byteLength;
        if (left < 0) call.giveUp();
        else controller.enqueue(chunk);
      },
      flush: () => call.end(),
    });
    return body.pipeThrough(counted);
  }

  /** The whole body; `null` if it is longer than `limit` bytes or breaks off. */
  async bytes(limit) {
    try {
      return new Uint8Array(await new Response(this.#counted(limit)).arrayBuffer());
    } catch {
      return null;
    }
  }

  /** Nothing of the body is wanted. */
  discard() {
    this.#call.giveUp();
  }
}

/**
 * Sends the request; redirects are not followed.
 * @param {Request} caller for whom it is sent
 * @param {string} fields its headers, name and value in turn, a line each
 * @param {number} deadline until the answer's end, in ms
 * @param {() => void} left called at once if the caller goes away: nothing that awaits goes on then
 * @returns {Promise<Answer | "timed_out" | "connection_lost">}
 */
export async function forward(caller, method, url, fields, body, deadline, left) {
  const abort = new AbortController();
  let isLate = false;
  const call = {
    left,
    onGivenUp() {},
    end() {
      clearTimeout(timer);
      caller.signal.removeEventListener("abort", onLeft);
    },
    giveUp() {
      call.end();
      abort.abort();
      call.onGivenUp();
    },
  };
  const onLeft = () => {
    call.left();
    call.giveUp();
  };
  const timer = setTimeout(() => {
    isLate = true;
    call.giveUp();
  }, deadline);
  caller.signal.addEventListener("abort", onLeft);
  const headers = new Headers();
  const lines = fields.split("\n");
  for (let at = 0; at < lines.length; at += 2) headers.set(lines[at], lines[at + 1]);
  try {
    if (caller.signal.aborted) throw caller.signal.reason;
    const response = await fetch(url, { method, headers, body, redirect: "manual", signal: abort.signal });
    return new Answer(response, call);
  } catch {
    call.end();
    return isLate ? "timed_out" : "connection_lost";
  }
}
