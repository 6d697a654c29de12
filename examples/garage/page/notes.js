// What the back end has written down: notes about cars that need their owner, and the logbook of the nightly job.
import { fine } from "./cars.js";
import { ask, signedIn } from "./session.js";
import { charge, distance, when } from "./words.js";

/** The newest note that is shown; `undefined` before any were. */
let newest;

/** Shows both lists. */
export async function showNotes() {
  const { user, notes, readings } = await ask("GET", "/app/notes");
  // Somebody else has signed in meanwhile.
  if (user !== signedIn()?.id) return;
  newest = notes[0]?.id ?? 0;
  fill("#notes", notes, ({ car, kind, text, at }) => {
    // Mended since, in this page or elsewhere.
    const isDone = kind === "well" || fine.get(car) === true;
    return { at, text, tone: isDone ? "good" : "warn", label: isDone && kind !== "well" ? "Done" : undefined };
  });
  fill("#readings", readings, ({ name, km, battery, at }) => {
    const figures = [battery !== null && charge(battery), km !== null && distance(km)].filter(Boolean);
    return { at, text: name, label: figures.join(" · ") };
  });
}

/** Calls back whenever another note is the newest than the one that is shown; returns what ends that. */
export function watchNews(onNews) {
  newest = undefined;
  const source = new EventSource("/app/news");
  // What was said during a break, or while the page was loaded, is told again.
  source.onmessage = ({ data }) => newest !== undefined && Number(data) !== newest && onNews();
  return () => source.close();
}

function fill(section, entries, entryOf) {
  const [list, hint] = [`${section} .list`, `${section} .hint`].map((part) => document.querySelector(part));
  list.replaceChildren(...entries.map((entry) => item(entryOf(entry))));
  list.hidden = entries.length === 0;
  hint.hidden = entries.length > 0;
}

function item({ at, text, label, tone }) {
  const item = document.createElement("li");
  if (tone) item.dataset.tone = tone;
  const time = Object.assign(document.createElement("time"), { dateTime: new Date(at).toISOString(), textContent: when(at) });
  const said = Object.assign(document.createElement("p"), { textContent: text });
  item.append(said, time);
  if (label) item.append(Object.assign(document.createElement("strong"), { textContent: label }));
  return item;
}
