// What was begun in this browser and never came back, in JavaScript for the reason that `hasCallback` is: most views of a page have
// nothing to do with it. The module writes the entries (`src/browser/attempts.rs`); tests hold the two together.
import { isOptions, needPage, refused } from "./errors.js";

const ATTEMPT = "smartcar-connect:attempt:";
const DEFAULT_EDGE = "/smartcar";

/** For how long an attempt can be finished, in milliseconds. */
const LIFETIME = 10 * 60 * 1000;

/** How long one is told of, by this device's clock. */
const KEPT = 24 * 60 * 60 * 1000;

export function unfinishedAttempt(options) {
  const [latest, ...before] = attempts(baseOf(options, "unfinishedAttempt"));
  if (!latest || latest.over) return null;
  const others = before.findIndex(({ over }) => over);
  return {
    startedAt: latest.startedAt,
    expiresAt: latest.startedAt + LIFETIME,
    ...(latest.mends === undefined ? {} : { connectionId: latest.mends }),
    tries: 1 + (others < 0 ? before.length : others),
  };
}

export function forgetAttempt(options) {
  for (const { key, entry } of attempts(baseOf(options, "forgetAttempt"))) {
    try {
      localStorage.setItem(key, JSON.stringify({ ...entry, over: true }));
    } catch {
      // Nothing can be stored: it is told of again, for a day.
    }
  }
}

/** The attempts that were started for the Worker at `base`, the latest first. */
function attempts(base) {
  const found = Object.keys(stored()).filter((key) => key.startsWith(ATTEMPT));
  const entries = found.flatMap((key) => {
    const entry = parsed(stored()[key]);
    const { startedAt, edge, mends, over } = entry ?? {};
    const isTime = Number.isSafeInteger(startedAt) && startedAt >= 0 && Math.abs(Date.now() - startedAt) < KEPT;
    const isOurs = isTime && edge === base;
    return isOurs ? { key, entry, startedAt, over: Boolean(over), mends: typeof mends === "string" ? mends : undefined } : [];
  });
  // Of two in one millisecond the one that is not over is the later.
  return entries.sort((one, other) => other.startedAt - one.startedAt || one.over - other.over);
}

/** What is stored, or nothing where that is blocked. */
function stored() {
  try {
    // Some views of apps have none.
    return localStorage ?? {};
  } catch {
    return {};
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The address of the Worker, as the module has it. */
function baseOf(options = {}, name) {
  needPage(name);
  const unknown = isOptions(options) ? Object.keys(options).find((key) => key !== "edge") : "options";
  if (unknown !== undefined) throw refused(unknown, `\`${name}\` takes an object with \`edge\`, or nothing`);
  const { edge = DEFAULT_EDGE } = options;
  try {
    const { origin, pathname } = new URL(edge, location.href);
    return origin + pathname.replace(/\/+$/, "");
  } catch {
    throw refused("edge", "`edge` is not a URL; give the path or URL at which the Worker is mounted");
  }
}
