// What a car says now, on its row.
import { readCar } from "./car.js";
import { batteryWords, distanceWords, percentOf, placeWords } from "./car-words.js";
import { showLock } from "./lock.js";
import { timeElement } from "./times.js";

/** Each figure by Smartcar's name for it: its term, and what is shown of an answer, or nothing. */
const FIGURES = {
  battery: ["Battery", (battery) => batteryWords(battery) && [meter(battery), batteryWords(battery)]],
  odometer: ["Odometer", ({ distance }) => Number.isFinite(distance) && [distanceWords(distance)]],
  location: ["Location", (place) => Number.isFinite(place.latitude) && Number.isFinite(place.longitude) && [mapLink(place)]],
};

/** Puts on the row of a car what it says, as far as that is to be had: its owner need not allow it. */
export async function showFigures(row) {
  const list = row.querySelector(".figures");
  const names = Object.keys(FIGURES);
  list.replaceChildren(...names.map((name) => figure(name, FIGURES[name][0], [])));
  list.ariaBusy = "true";
  // A card is worth showing without its figures, too.
  const answers = await readCar(row.dataset).catch(() => ({}));
  const shown = names.map((name) => {
    const [term, contents] = FIGURES[name];
    const content = answers[name] && contents(answers[name].body);
    return content ? figure(name, term, content) : [];
  });
  list.replaceChildren(...shown.flat());
  list.ariaBusy = null;
  showAge(row.querySelector(".age"), Object.values(answers));
  const isLocked = answers.security?.body.isLocked;
  if (typeof isLocked === "boolean") showLock(row, isLocked);
}

function figure(name, term, content) {
  const group = document.createElement("div");
  group.className = name;
  const [title, value] = ["dt", "dd"].map((tag) => document.createElement(tag));
  title.textContent = term;
  value.append(...content);
  group.append(title, value);
  return group;
}

/** The bar of the battery; the words beside it say the same. */
function meter(battery) {
  const percent = percentOf(battery);
  const bar = Object.assign(document.createElement("span"), { className: "meter", ariaHidden: "true", hidden: percent === undefined });
  bar.toggleAttribute("data-low", percent <= 20);
  const charge = bar.appendChild(document.createElement("span"));
  charge.style.inlineSize = `${percent}%`;
  return bar;
}

/** The place, which leads to a map: of a page of another's, which learns it only by a click. */
function mapLink(place) {
  const link = Object.assign(document.createElement("a"), { target: "_blank", rel: "noreferrer", textContent: placeWords(place) });
  const map = `mlat=${place.latitude}&mlon=${place.longitude}#map=16/${place.latitude}/${place.longitude}`;
  link.href = `https://www.openstreetmap.org/?${map}`;
  link.setAttribute("aria-label", `${link.textContent}, on a map in a new tab`);
  return link;
}

/** How old the oldest of the figures is, if Smartcar says so. */
function showAge(element, answers) {
  const ages = answers.map(({ at }) => Date.parse(at)).filter(Number.isFinite);
  element.replaceChildren(...(ages.length > 0 ? ["as of ", timeElement(Math.min(...ages))] : []));
}
