// `AbortSignal`, for whatever waits.
import { refused } from "./errors.js";

/**
 * The result of `work`, unless the signal in `options` ends the wait for it before: then the reason of the signal, as `fetch` has it.
 *
 * @param {() => void} [onAbort]
 * @param {object} [defaults] has the signal where `options` have none
 */
export function abortable(options, work, onAbort, defaults) {
  const signal = signalOf(options) ?? signalOf(defaults);
  if (signal === undefined) return work();
  return new Promise((resolve, reject) => {
    if (!isSignal(signal)) return reject(refused("signal", "`signal` must be an `AbortSignal`"));
    const abort = () => {
      onAbort?.();
      reject(reasonOf(signal));
    };
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort);
    work()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener("abort", abort));
  });
}

function isSignal(signal) {
  try {
    return typeof signal.addEventListener === "function";
  } catch {
    return false;
  }
}

function signalOf(options) {
  try {
    return options?.signal ?? undefined;
  } catch {
    // For the one who reads the options to refuse.
    return undefined;
  }
}

/** Why a signal was aborted; not every browser gives it a reason. */
export const reasonOf = (signal) => signal.reason ?? new DOMException("the call was aborted", "AbortError");

/** Refuses to begin what was given up before. */
export function check(options) {
  const signal = signalOf(options);
  if (signal?.aborted) throw reasonOf(signal);
}

/** Whether `abortable` refuses to wait. */
export function isRefused(options) {
  const signal = signalOf(options);
  return signal !== undefined && (!isSignal(signal) || signal.aborted);
}
