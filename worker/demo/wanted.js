// "Your car needs you": above the cars, while one of them waits for its owner. The app's back end hears of it by a webhook, with no page
// open; an open page asks the back end whether there is news.
import { namesOn } from "./cards.js";
import { ask } from "./http.js";
import { wantedWords } from "./ends-words.js";

const byId = (id) => document.getElementById(id);
/** How often an open page asks for news, in milliseconds. */
const ASK_EVERY = 3000;

let known;
let asking = false;

/** Shows it for the first card whose owner is wanted, or nothing. */
export function showWanted(cards) {
  const card = cards.find(({ dataset }) => dataset.status === "reauthentication_required");
  byId("wanted").hidden = !card;
  if (!card) return;
  // That all is well is not so any more.
  if (byId("notice").dataset.tone === "good") byId("notice").hidden = true;
  const { title, text } = wantedWords(namesOn(card), card.querySelector(".advice").textContent);
  byId("wanted-title").textContent = title;
  byId("wanted-text").textContent = text;
  byId("wanted").dataset.mends = card.dataset.connection;
}

/** Calls `onNews` whenever the back end has heard something of the owner's cars since the last time. */
export function followNews(onNews) {
  const timer = setInterval(async () => {
    // One that has ended is nobody's any more.
    const card = document.querySelector('#connections > li:not([data-status="reconnection_required"])');
    if (!card || document.hidden || document.body.dataset.view !== "cars" || asking) return;
    asking = true;
    try {
      const { count } = await ask("GET", `./demo/news?connection=${encodeURIComponent(card.dataset.connection)}`);
      if (count === null) return clearInterval(timer);
      const isNews = count !== (known ?? 0);
      known = count;
      if (isNews) await onNews();
    } catch {
      // No back end, or none that receives webhooks: the page learns of it when it is loaded.
    } finally {
      asking = false;
    }
  }, ASK_EVERY);
}
