// Whether a car is locked, and the command that changes it: sent once, after the owner has said so.
import { turnCarLock } from "./car.js";
import { lockQuestion, lockedWords, lockWords } from "./car-words.js";
import { confirm } from "./confirm.js";

/** Shows it on the row of a car. */
export function showLock(row, isLocked) {
  const lock = row.querySelector(".lock");
  const { state, action } = lockWords(isLocked);
  lock.dataset.locked = isLocked;
  lock.querySelector("use").setAttribute("href", isLocked ? "#locked" : "#unlocked");
  lock.querySelector(".lock-state").textContent = state;
  const button = lock.querySelector("button");
  button.textContent = action;
  button.setAttribute("aria-label", `${action} ${nameOn(row)}`);
  lock.hidden = false;
}

/** Asks the owner, and does the other thing than it is. Returns what was done, in words, or `undefined`; throws `Refusal`. */
export async function turnLock(row) {
  const lock = row.querySelector(".lock").dataset.locked !== "true";
  const agreed = await confirm(lockQuestion(nameOn(row), lock), async () => {
    await turnCarLock(row.dataset, lock);
    showLock(row, lock);
  });
  return agreed ? lockedWords(nameOn(row), lock) : undefined;
}

function nameOn(row) {
  return row.querySelector("h2").textContent;
}
