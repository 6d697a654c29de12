// The options of a call, read by name: what nobody knows is refused, with what there is. The module reads its own by the same functions
// (`src/browser/options.rs`).
import { isOptions, refused } from "./errors.js";

/**
 * A copy of the options of the function called `name`, all of which are in `known`, and of the lists in them; without those that are
 * `undefined`. No options at all are none set.
 */
export function knownOptions(options, name, known) {
  if (options === undefined) return {};
  if (!isOptions(options)) throw refused("options", `\`${name}\` takes an object of options, not ${describe(options)}`);
  const unknown = keysOf(options, name).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw refused(unknown, `\`${unknown}\` is not an option of \`${name}\`; it knows \`${known.join("`, `")}\``);
  }
  const set = known.map((key) => [key, read(options, key)]).filter(([, value]) => value !== undefined);
  return Object.fromEntries(set);
}

/** The options, each of them read. */
export function copied(options, name) {
  try {
    return { ...options };
  } catch (cause) {
    throw unreadable(name, cause);
  }
}

function keysOf(options, name) {
  try {
    return Object.keys(options);
  } catch (cause) {
    throw unreadable(name, cause);
  }
}

const unreadable = (name, cause) => Object.assign(refused("options", `the options of \`${name}\` could not be read`), { cause });

function read(options, name) {
  try {
    const value = options[name];
    // Whoever waits goes by what was given, and not by what became of it.
    return Array.isArray(value) ? [...value] : value;
  } catch (cause) {
    throw Object.assign(refused(name, `\`${name}\` could not be read`), { cause });
  }
}

/** A value as the messages call it: short, and quoted only where it is one word, so that no secret is repeated. */
export function describe(value) {
  if (value === null) return "null";
  if (value === undefined) return "undefined";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "string") return /^\w{0,20}$/.test(value) ? `"${value}"` : "that string";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
