// The whole flow: who is signed in, `finish` when the owner returns from Connect, then the list; the rest on a click.
import { connections, disconnect, disconnectAll, finish, hasCallback, reconnect, start, vehicles } from "./pkg/index.js";
import { loadAccount, resume, showAccount, signedIn, signIn, signOut } from "./account.js";
import { signedInWords, signedOutWords } from "./account-words.js";
import { connectionCard, namesOn } from "./cards.js";
import { confirm } from "./confirm.js";
import { replacedWords } from "./ends-words.js";
import { showFigures } from "./figures.js";
import { turnLock } from "./lock.js";
import { showLogbook, writeDown } from "./logbook.js";
import { showSimulation, simulate } from "./simulate.js";
import { refreshTimes } from "./times.js";
import { dismissUnfinished, showUnfinished } from "./unfinished.js";
import { followNews, showWanted } from "./wanted.js";
import { deletedWords, deleteWords, disconnectedWords, disconnectWords, errorWords, headlineWords, outcomeWords } from "./words.js";

const SCOPE = [
  "required:read_vehicle_info",
  "read_battery",
  "read_odometer",
  "read_location",
  "read_security",
  "control_security",
];
/** When cars that Smartcar is still being asked for are looked for again. */
const LOOK_AGAIN_MS = 5000;
/** When cars are looked at again to which something was made to happen. */
const SIMULATED_LOOKS_MS = [2000, 35_000, 38_000];
const SIMULATED = "demo:simulated";

const byId = (id) => document.getElementById(id);

async function load() {
  let news;
  try {
    showSimulator();
    await loadAccount();
    if (hasCallback()) {
      busy("Finishing…");
      news = outcomeNews(await finish());
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

/** What the owner is told of an outcome: that a new connection has cost a former one something goes first. */
function outcomeNews(outcome) {
  const words = outcomeWords(outcome);
  const [tone, title, text] = (outcome.kind === "connected" && replacedWords(outcome)) || [words.tone, words.title, words.text];
  return { ...words, tone, title, text };
}

async function showCars() {
  if (signedIn() && (await sessionMayBeOver())) await resume();
  // Without the details a car is still listed, by its id.
  const [list, details] = await Promise.all([connections(), vehicles().catch(() => [])]);
  const cards = list.map((connection) => connectionCard(connection, details));
  byId("connections").replaceChildren(...cards);
  showWanted(cards);
  showSimulation();
  show(list.length > 0 ? "cars" : "welcome");
  if (list.some(({ vehiclesPending }) => vehiclesPending)) setTimeout(() => showCars().catch(() => {}), LOOK_AGAIN_MS);
  // They come later than the list, and each on its own.
  for (const row of cards.filter(canBeRead).flatMap(rowsOn)) void showFigures(row);
  byId("logbook").hidden = true;
  if (signedIn()) showLogbook().catch(() => {});
}

/** Without a session nothing is listed; one that was ended elsewhere is refused. */
async function sessionMayBeOver() {
  try {
    return (await connections()).length === 0;
  } catch (error) {
    if (error.code === "session_missing") return true;
    throw error;
  }
}

function rowsOn(card) {
  return [...card.querySelectorAll("[data-vehicle]")];
}

function canBeRead(card) {
  return ["active", "degraded"].includes(card.dataset.status);
}

function connect() {
  return goToSmartcar(() => start({ scope: SCOPE, navigate: false }));
}

/** The way back to a connection whose owner is wanted. */
function comeBack(id) {
  return goToSmartcar(() => reconnect(id, { scope: SCOPE, navigate: false }));
}

/** What was left unfinished, once more: a connection that was to be mended may be well or gone by now. */
function beginAgain(id) {
  const isThere = id && document.querySelector(`[data-connection="${CSS.escape(id)}"] [data-action="reconnect"]:not([hidden])`);
  return isThere ? comeBack(id) : connect();
}

async function goToSmartcar(begin) {
  byId("notice").hidden = true;
  byId("unfinished").hidden = true;
  const before = document.body.dataset.view;
  busy("Taking you to Smartcar…");
  try {
    const { url } = await begin();
    rememberSimulator(url);
    location.assign(url);
  } catch (error) {
    show(before);
    tell(errorWords(error));
    // It was well again, or gone, and the page did not know.
    await showCars().catch(() => {});
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

async function turn(button) {
  const row = button.closest("[data-vehicle]");
  try {
    byId("said").textContent = (await turnLock(row)) ?? "";
  } catch (error) {
    tell(errorWords(error));
    // It may have been done all the same.
    void showFigures(row);
  }
}

/** Does what changes who is signed in, and shows that user's cars. */
async function changeAccount(status, work) {
  let news;
  byId("notice").hidden = true;
  busy(status);
  try {
    news = await work();
  } catch (error) {
    news = errorWords(error);
  }
  await loadAccount();
  try {
    await showCars();
  } catch {
    show("unavailable");
  }
  tell(news);
}

function enter(button) {
  const { user, name } = button.dataset;
  return changeAccount("Signing in…", async () => signedInWords(name, (await signIn(user)) > 0));
}

function leave() {
  return changeAccount("Signing out…", async () => {
    const { name } = signedIn();
    await signOut();
    return signedOutWords(name);
  });
}

async function writeItDown(button) {
  button.setAttribute("aria-disabled", "true");
  try {
    await writeDown();
    byId("said").textContent = "The logbook is up to date.";
  } catch (error) {
    tell(errorWords(error));
  }
  button.removeAttribute("aria-disabled");
}

async function letHappen(button) {
  button.setAttribute("aria-disabled", "true");
  try {
    await simulate(button.dataset.what);
    byId("said").textContent = "It has happened. The page shows it within a minute.";
    await showCars();
    // That a car is gone is noticed when it is read, and the list of cars is taken every half a minute at most.
    for (const wait of SIMULATED_LOOKS_MS) setTimeout(() => showCars().catch(() => {}), wait);
  } catch (error) {
    tell(errorWords(error));
  }
  button.removeAttribute("aria-disabled");
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

/** Shows what may be otherwise by now, without a word if it can't be had. */
function lookAgain() {
  showUnfinished();
  return showCars().catch(() => {});
}

/** Shows one of the views `welcome`, `cars`, `unavailable`, or none of them: `busy`. */
function show(view, status = "") {
  document.body.dataset.view = view;
  const headline = headlineWords(view);
  if (headline) [byId("headline").textContent, byId("lead").textContent] = headline;
  byId("status").textContent = status;
  showAccount(view);
  for (const element of document.querySelectorAll("[data-show]")) {
    element.hidden = element.dataset.show !== view;
  }
  showUnfinished();
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
  const button = target.closest("[data-action]");
  const action = button?.dataset.action;
  if (action === "connect") connect();
  if (action === "reconnect") comeBack(target.closest("[data-connection]").dataset.connection);
  if (action === "answer") comeBack(byId("wanted").dataset.mends);
  if (action === "again") beginAgain(byId("unfinished").dataset.mends);
  if (action === "forget") dismissUnfinished();
  if (action === "simulate" && !button.ariaDisabled) letHappen(button);
  if (action === "disconnect") end(target.closest("[data-connection]"));
  if (action === "delete") endAll();
  if (action === "lock") turn(button);
  if (action === "sign-in") enter(button);
  if (action === "sign-out") leave();
  if (action === "write-down" && !button.ariaDisabled) writeItDown(button);
  if (action === "reload") location.reload();
});
// A page that the Back button brings back from the cache still shows that it was leaving.
addEventListener("pageshow", ({ persisted }) => persisted && load());
// Another tab has started, or come back from Smartcar.
addEventListener("storage", () => document.body.dataset.view !== "busy" && lookAgain());
document.addEventListener("visibilitychange", () => !document.hidden && document.body.dataset.view !== "busy" && lookAgain());
followNews(showCars);
setInterval(refreshTimes, 30_000);

busy("Loading…");
await load();
