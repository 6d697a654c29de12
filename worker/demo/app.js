// The whole flow: `finish` when the owner returns from Connect, then the list; `start` and `disconnect` on a click.
import { connections, disconnect, disconnectAll, finish, hasCallback, start, vehicles } from "./pkg/index.js";
import { connectionCard, namesOn, refreshTimes } from "./cards.js";
import { confirm } from "./confirm.js";
import { showFigures } from "./figures.js";
import {
  deletedWords,
  deleteWords,
  disconnectedWords,
  disconnectWords,
  errorWords,
  figureWords,
  headlineWords,
  outcomeWords,
} from "./words.js";

const SCOPE = ["required:read_vehicle_info", "read_odometer", "read_location"];
/** When cars that Smartcar is still being asked for are looked for again. */
const LOOK_AGAIN_MS = 5000;
const SIMULATED = "demo:simulated";

const byId = (id) => document.getElementById(id);

async function load() {
  let news;
  try {
    showSimulator();
    if (hasCallback()) {
      busy("Finishing…");
      news = outcomeWords(await finish());
    }
  } catch (error) {
    news = errorWords(error);
  }

  try {
    await showCars();
  } catch (error) {
    news ??= errorWords(error);
    show("unavailable");
  }
  if (news) tell(news);
}

async function showCars() {
  // Without the details a car is still listed, by its id.
  const [list, details] = await Promise.all([connections(), vehicles().catch(() => [])]);
  const cards = list.map((connection) => connectionCard(connection, details));
  byId("connections").replaceChildren(...cards);
  show(list.length > 0 ? "cars" : "welcome");
  if (list.some(({ vehiclesPending }) => vehiclesPending)) setTimeout(() => showCars().catch(() => {}), LOOK_AGAIN_MS);
  // They come later than the list, and each on its own.
  for (const card of cards) if (canBeRead(card)) showFigures(card, figureWords);
}

function canBeRead(card) {
  return ["active", "degraded"].includes(card.dataset.status);
}

async function connect() {
  byId("notice").hidden = true;
  const before = document.body.dataset.view;
  busy("Taking you to Smartcar…");
  try {
    const { url } = await start({ scope: SCOPE, navigate: false });
    rememberSimulator(url);
    location.assign(url);
  } catch (error) {
    show(before);
    tell(errorWords(error));
  }
}

function end(card) {
  const cars = namesOn(card);
  return confirmed(disconnectWords(cars), disconnectedWords(cars), async () => {
    await disconnect(card.dataset.connection);
    card.remove();
  });
}

function endAll() {
  return confirmed(deleteWords(), deletedWords(), disconnectAll);
}

/** Asks the owner, does `work`, and tells what came of it. */
async function confirmed(question, success, work) {
  let news = success;
  const agreed = await confirm(question, async () => {
    try {
      await work();
    } catch (error) {
      news = errorWords(error);
    }
    // Also after an error: it may have been done all the same. Without an answer the list stays as it is.
    await showCars().catch(() => {});
  });
  if (agreed) tell(news);
}

/** Shows one of the views `welcome`, `cars`, `unavailable`, or none of them: `busy`. */
function show(view, status = "") {
  document.body.dataset.view = view;
  const headline = headlineWords(view);
  if (headline) [byId("headline").textContent, byId("lead").textContent] = headline;
  byId("status").textContent = status;
  for (const element of document.querySelectorAll("[data-show]")) {
    element.hidden = element.dataset.show !== view;
  }
}

function busy(status) {
  show("busy", status);
}

/** Shows what happened and moves the focus there, so that a screen reader reads it and the next Tab goes on from it. */
function tell({ code, tone, title, text, facts }) {
  byId("notice-title").textContent = title;
  byId("notice-text").textContent = text;
  const pairs = facts.flatMap(([term, value]) => [element("dt", term), element("dd", value)]);
  byId("notice-facts").replaceChildren(...pairs);
  Object.assign(byId("notice").dataset, { code, tone });
  byId("notice").hidden = false;
  byId("notice").focus();
}

function element(name, text) {
  return Object.assign(document.createElement(name), { textContent: text });
}

function rememberSimulator(url) {
  const isLoopback = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(new URL(url).hostname);
  sessionStorage.setItem(SIMULATED, isLoopback);
  showSimulator();
}

function showSimulator() {
  byId("simulator").hidden = sessionStorage.getItem(SIMULATED) !== "true";
}

document.addEventListener("click", ({ target }) => {
  const action = target.closest("[data-action]")?.dataset.action;
  if (action === "connect") connect();
  if (action === "disconnect") end(target.closest("[data-connection]"));
  if (action === "delete") endAll();
  if (action === "reload") location.reload();
});
// A page that the Back button brings back from the cache still shows that it was leaving.
addEventListener("pageshow", ({ persisted }) => persisted && load());
setInterval(refreshTimes, 30_000);

busy("Loading…");
await load();
