// Signing in with cars, and out: loaded when it is first called.
import { baseOf, call, callerOf, checkedOptions, claimSession, forgetSession } from "./client.js";
import { refused } from "./errors.js";
import { clearFinishing } from "./finishing.js";

/** @param {(options: object) => void} forgetAttempt */
export async function signOut(given, forgetAttempt) {
  const options = checkedOptions(given, "signOut", ["everywhere"]);
  const { edge, everywhere = false } = options;
  if (typeof everywhere !== "boolean") throw refused("everywhere", "`everywhere` must be true or false");
  const base = baseOf(edge);
  // Nobody's session is opened to be ended; and one browser's is ended by its cookie, which a token would outweigh.
  const { getToken, signal } = callerOf(options);
  const caller = everywhere ? { getToken, signal } : { signal };
  // Before it, too: should it fail, the next user is not taken for this one.
  forgetSession(base);
  await call(caller, base, "DELETE", everywhere ? "/session?everywhere" : "/session");
  forgetSession(base);
  forgetAttempt({ edge: base });
  clearFinishing();
}

export async function claim(given) {
  const options = checkedOptions(given, "claim");
  const { connections, endsAt } = await claimSession(callerOf(options), baseOf(options.edge));
  return { connections, ...(typeof endsAt === "number" ? { endsAt } : {}) };
}
