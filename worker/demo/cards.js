// One card for each connection, cloned from the templates in index.html.
import { timeElement } from "./times.js";
import { moment, statusWords, unknownCarWords } from "./words.js";

/** Builds the card of a connection; `details` is the answer of `vehicles()`. */
export function connectionCard(connection, details) {
  const card = clone("connection-template");
  const { label, advice, needsOwner } = statusWords(connection);
  card.dataset.connection = connection.id;
  card.dataset.status = connection.status;
  card.querySelector(".state-label").textContent = label;
  card.querySelector(".advice").textContent = advice;
  card.querySelector(".times").append(...times(connection));

  const cars = connection.vehicles.map(({ id }) => details.find((vehicle) => vehicle.id === id) ?? { id });
  card.querySelector(".vehicles").append(...(cars.length > 0 ? cars : [{}]).map((car) => vehicleRow(car, connection.apiVersion)));

  const names = cars.map(nameOf).join(", ");
  for (const button of card.querySelectorAll(".state button")) {
    button.setAttribute("aria-label", `${button.textContent} ${names}`);
  }
  card.querySelector('[data-action="reconnect"]').hidden = !needsOwner;
  return card;
}

/** The names of the cars on a card. */
export function namesOn(card) {
  return [...card.querySelectorAll(".vehicle h2")].map(({ textContent }) => textContent);
}

function vehicleRow(vehicle, version) {
  const row = clone("vehicle-template");
  if (vehicle.id) row.dataset.vehicle = vehicle.id;
  if (version) row.dataset.version = version;
  row.querySelector("h2").textContent = nameOf(vehicle);
  row.querySelector(".detail").textContent = detailOf(vehicle);
  return row;
}

/** What a car is called, by what is known of it. */
export function nameOf({ id, make, model }) {
  return [make && makeName(make), model].filter(Boolean).join(" ") || (id ? `Car ${id.slice(0, 8)}` : "Your cars");
}

/** Smartcar writes "TESLA" and "MERCEDES-BENZ"; a short one such as "BMW" is an abbreviation. */
function makeName(make) {
  if (make.length <= 3 || make !== make.toUpperCase()) return make;
  return make.toLowerCase().replace(/(^|[ -])\p{L}/gu, (initial) => initial.toUpperCase());
}

function detailOf({ id, make, model, year, problem }) {
  if (make || model) return year ? String(year) : "";
  return unknownCarWords(id, problem);
}

function times({ status, since, connectedAt, accessExpiresAt, apiVersion }) {
  const connected = ["Connected ", timeElement(connectedAt)];
  if (status === "reauthentication_required") return [...connected, " · waiting for you since ", timeElement(since, moment)];
  if (status === "reconnection_required") return [...connected, " · ended ", timeElement(since)];
  // There the access is the application's.
  if (apiVersion === "v3") return connected;
  if (accessExpiresAt <= Date.now()) return [...connected, " · access is renewed at its next use"];
  return [...connected, " · access until ", timeElement(accessExpiresAt, moment), ", then renewed"];
}

function clone(id) {
  return document.getElementById(id).content.cloneNode(true).firstElementChild;
}
