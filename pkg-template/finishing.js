// The finish that is under way in this tab, in `sessionStorage`, which outlives a reload: the page that comes then has lost the
// callback, and asks the Worker what became of the attempt.
import { LIFETIME } from "./attempts.js";

const FINISHING = "smartcar-connect:finishing";

/**
 * An attempt whose callback was on its way to the Worker.
 *
 * @typedef {object} Finishing
 * @property {string} fingerprint
 * @property {string} edge the address of the Worker
 * @property {number} since in milliseconds since the epoch
 */

/** The one that this tab was at, unless that is so long ago that nobody waits for it any more. @returns {Finishing | undefined} */
export function findFinishing(now = Date.now()) {
  try {
    const { fingerprint, edge, since } = JSON.parse(sessionStorage.getItem(FINISHING));
    // 43 characters of base64url say 32 bytes only if no bit is left over.
    const isFingerprint = typeof fingerprint === "string" && /^[\w-]{42}[AEIMQUYcgkosw048]$/.test(fingerprint);
    const isTime = Number.isSafeInteger(since) && since >= 0;
    const found = { fingerprint, edge, since };
    return isFingerprint && typeof edge === "string" && isTime && isAwaited(found, now) ? found : undefined;
  } catch {
    return undefined;
  }
}

/** Whether anybody still waits for it. @param {Finishing} finishing */
export const isAwaited = ({ since }, now = Date.now()) => Math.abs(now - since) < LIFETIME;

/** Notes it. Where nothing can be stored, a reload learns nothing of it. @param {Finishing} finishing */
export function noteFinishing(finishing) {
  try {
    sessionStorage.setItem(FINISHING, JSON.stringify(finishing));
  } catch {
    // As said.
  }
}

/** The page knows what came of it, or whoever was at it has signed out. @param {Finishing} [finishing] none is whichever there is */
export function clearFinishing(finishing) {
  try {
    const isOther = finishing && findFinishing(finishing.since)?.fingerprint !== finishing.fingerprint;
    if (!isOther) sessionStorage.removeItem(FINISHING);
  } catch {
    // Where nothing can be stored, nothing is.
  }
}
