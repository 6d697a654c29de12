// What was begun here and never came back: the owner turned back, closed the tab, or met an error page at Smartcar, from which nobody
// is sent back.
import { forgetAttempt, unfinishedAttempt } from "./pkg/index.js";
import { unfinishedWords } from "./ends-words.js";

const byId = (id) => document.getElementById(id);

/** Says so while there is something unfinished. Returns whether there is. */
export function showUnfinished() {
  const attempt = unfinishedAttempt();
  const isBusy = document.body.dataset.view === "busy";
  byId("unfinished").hidden = !attempt || isBusy;
  if (!attempt) return false;
  const { title, text, hint, action } = unfinishedWords(attempt);
  byId("unfinished-title").textContent = title;
  byId("unfinished-text").textContent = text;
  byId("unfinished-hint").textContent = hint;
  byId("unfinished-again").textContent = action;
  Object.assign(byId("unfinished").dataset, { mends: attempt.connectionId ?? "", tone: attempt.tries > 1 ? "warn" : "info" });
  return true;
}

/** The owner wants to hear no more of it. */
export function dismissUnfinished() {
  forgetAttempt();
  showUnfinished();
}
