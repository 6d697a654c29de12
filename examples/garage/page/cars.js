// The cars: a card for each connection, with what its cars say now, and what can be done about it.
import { ask, signedIn } from "./session.js";
import { SCOPE, smartcar } from "./smartcar.js";
import { STATES, charge, distance, nameOf } from "./words.js";

const PENDING_MS = 3000;
const list = document.querySelector("#connections");
const empty = document.querySelector("#empty");
const confirm = document.querySelector("#confirm");
const template = (id) => document.querySelector(`#${id}`).content.firstElementChild.cloneNode(true);

/** Which cars are fine, by id: `false` for those whose owner is wanted. */
export const fine = new Map();

/** Only the latest look counts: one before may be answered later. */
let latest = 0;

/**
 * Looks what there is, and shows it. `act(work)` runs what a button does and shows what came of it, `refresh()` looks again.
 * Resolves to how many connections there are, or to nothing if another look has begun since.
 */
export async function showCars({ act, refresh }) {
  const look = (latest += 1);
  const answers = await Promise.all([smartcar.connections(), smartcar.vehicles()]).catch((error) => {
    if (look === latest) throw error;
  });
  // It may be another person's, who is not told what the one before has found.
  if (look !== latest) return undefined;
  const [connections, vehicles] = answers;
  fine.clear();
  const cards = connections.map((connection) => {
    return card(connection, vehicles.filter(({ connectionId }) => connectionId === connection.id), act);
  });
  list.replaceChildren(...cards);
  empty.hidden = cards.length > 0;
  // Smartcar has not said yet which cars they are.
  if (connections.some(({ vehiclesPending }) => vehiclesPending)) setTimeout(() => look === latest && refresh(), PENDING_MS);
  return connections.length;
}

/** Shows none, as between two users. */
export function hideCars(text) {
  latest += 1;
  fine.clear();
  list.replaceChildren();
  empty.textContent = text;
  empty.hidden = false;
}

function card({ id, status }, vehicles, act) {
  const card = template("connection");
  const names = vehicles.map(nameOf);
  const [reconnect, disconnect] = [".reconnect", ".disconnect"].map((button) => card.querySelector(button));
  for (const button of [reconnect, disconnect]) button.setAttribute("aria-label", `${button.textContent} ${names.join(" and ") || "this connection"}`);
  // In the click itself: a browser lets a window open then only.
  reconnect.onclick = () => act(() => smartcar.popup({ reconnect: id, scope: SCOPE }));
  disconnect.onclick = async () => {
    if (await confirmed(`Disconnect ${names.join(" and ") || "it"}?`)) await act(() => disconnectAndForget(id, vehicles));
  };
  card.querySelector(".vehicles").append(...vehicles.map((vehicle) => row(vehicle, status, (wanted) => showState(card, wanted))));
  showState(card, status);
  return card;
}

/** What the app itself has written down goes first: should one of the two fail, the card is still there to try again. */
async function disconnectAndForget(id, vehicles) {
  const user = signedIn();
  if (user) await Promise.all(vehicles.map((car) => ask("DELETE", `/app/cars/${encodeURIComponent(car.id)}?user=${encodeURIComponent(user.id)}`)));
  await smartcar.disconnect(id);
}

function showState(card, status) {
  card.dataset.status = status;
  card.querySelector(".state").textContent = STATES[status];
  card.querySelector(".reconnect").hidden = !["reauthentication_required", "reconnection_required"].includes(status);
}

function row(vehicle, status, setStatus) {
  const row = template("vehicle");
  row.querySelector("h3").textContent = nameOf(vehicle);
  row.querySelector(".year").textContent = vehicle.year ?? "";
  fine.set(vehicle.id, status === "active");
  if (status === "reconnection_required") row.querySelector("dl").remove();
  else showFigures(row, vehicle.id, setStatus);
  return row;
}

/** Each by itself: not every car has a battery, and not every owner allows everything. */
async function showFigures(row, id, setStatus) {
  const car = smartcar.vehicle(id, { unitSystem: "metric" });
  const figures = await Promise.allSettled([car.get("/battery"), car.get("/odometer")]);
  const [battery, odometer] = figures.map(({ value }) => value?.data ?? {});
  show(row.querySelector(".battery"), battery.percentRemaining, charge);
  show(row.querySelector(".odometer"), odometer.distance, distance);
  const bar = row.querySelector(".bar");
  bar.hidden = !Number.isFinite(battery.percentRemaining);
  bar.firstElementChild.style.inlineSize = `${100 * battery.percentRemaining}%`;
  bar.toggleAttribute("data-low", battery.percentRemaining <= 0.2);
  row.querySelector("dl").ariaBusy = null;
  // The first to hear that its owner is wanted may be this page.
  const isWanted = figures.some(({ reason }) => reason?.smartcar?.resolution === "REAUTHENTICATE");
  if (isWanted) setStatus("reauthentication_required");
  if (figures.some(({ reason }) => reason?.code === "reconnection_required")) setStatus("reconnection_required");
}

function show(figure, value, words) {
  figure.querySelector(".value").textContent = Number.isFinite(value) ? words(value) : "not known now";
}

function confirmed(title) {
  confirm.querySelector("h2").textContent = title;
  confirm.returnValue = "no";
  confirm.showModal();
  return new Promise((resolve) => confirm.addEventListener("close", () => resolve(confirm.returnValue === "yes"), { once: true }));
}
