// The logbook that the app's back end keeps: it reads the cars by itself, whether a page is open or not.
import { distanceWords } from "./car-words.js";
import { nameOf } from "./cards.js";
import { ask } from "./http.js";
import { timeElement } from "./times.js";

const byId = (id) => document.getElementById(id);

/** Shows the logbook of whoever is signed in. */
export async function showLogbook() {
  show(await ask("GET", "./demo/logbook"));
}

/** Has the back end do at once what it does by night. */
export async function writeDown() {
  show(await ask("POST", "./demo/logbook"));
}

function show({ entries }) {
  byId("logbook-entries").replaceChildren(...entries.map(entryItem));
  byId("logbook").hidden = false;
}

function entryItem({ at, vehicle, km }) {
  const item = document.createElement("li");
  const [car, distance] = [
    ["car", nameOf(vehicle)],
    ["km", distanceWords(km)],
  ].map(([className, textContent]) => Object.assign(document.createElement("span"), { className, textContent }));
  item.append(timeElement(at), " ", car, " ", distance);
  return item;
}
