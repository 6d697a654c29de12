// A deadline for what is waited for on the hot path: one call from WebAssembly instead of several, and no future of Rust's
// around the timer.

/** What KV has under `name`. Rejects if that takes longer than `limit` ms. */
export function read(namespace, name, limit) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("KV does not answer")), limit);
    namespace.get(name).then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
