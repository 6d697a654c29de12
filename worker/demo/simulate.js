// What can be made to happen to a simulated car, so that one sees what the app does then.
import { nameOf } from "./cards.js";
import { ask } from "./http.js";

const byId = (id) => document.getElementById(id);

/** Offers it for the first car on the page, where Smartcar is simulated. */
export function showSimulation() {
  const row = document.querySelector('#connections > li:not([data-status="reconnection_required"]) [data-vehicle]');
  byId("simulation").hidden = byId("simulator").hidden || !row;
  if (!row) return;
  byId("simulation").dataset.vehicle = row.dataset.vehicle;
  byId("simulation-car").textContent = row.querySelector("h2").textContent || nameOf({ id: row.dataset.vehicle });
}

/** Lets `what` happen to that car: `log-in` or `disconnect`. */
export function simulate(what) {
  return ask("POST", "./demo/simulate", { what, vehicle: byId("simulation").dataset.vehicle });
}
