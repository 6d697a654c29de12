// Times on the page, which grow old while it stays open.
import { ago } from "./words.js";

/** A time, as words such as "3 minutes ago" unless `format` says otherwise. */
export function timeElement(at, format = ago) {
  const time = document.createElement("time");
  time.dateTime = new Date(at).toISOString();
  time.textContent = format(at);
  time.toggleAttribute("data-ago", format === ago);
  return time;
}

/** Says again how long ago it is. */
export function refreshTimes() {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    time.textContent = ago(time.dateTime);
  }
}
