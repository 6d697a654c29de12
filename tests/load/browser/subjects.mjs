// What is compared: visits of a page, and what is asked of it. `isRepeated`: it can be called again, to see what one call of many takes.

/** How far the Worker is, in milliseconds: under a condition its latency comes on top. */
export const WORKER_MS = [0, 50];

export const SUBJECTS = {
  auth: { app: "auth", isRepeated: true },
  authCallback: { app: "auth", asked: ["callback"], isRepeated: true },
  pure: { app: "pure" },
  pureEarly: { app: "pure", asked: ["early"], isRepeated: true },
  recognised: { app: "pure", asked: ["recognised"], isRepeated: true },
  callback: { app: "pure", asked: ["callback"] },
  callbackEarly: { app: "pure", asked: ["callback", "early"], isRepeated: true },
  plain: { app: "plain" },
  plainOwn: { app: "plainOwn" },
  plainAll: { app: "plainAll" },
  ...Object.fromEntries(
    WORKER_MS.flatMap((workerMs) => [
      [`start${workerMs}`, { app: "start", workerMs }],
      [`startEarly${workerMs}`, { app: "start", asked: ["early"], workerMs }],
    ]),
  ),
};
