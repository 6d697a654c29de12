import { createConnectStore } from "./smartcar-connect/store.js";

const ASKS = { scope: ["required:read_vehicle_info", "read_odometer"] };
const cars = createConnectStore({ vehicles: true });
const at = (selector) => document.querySelector(selector);

at("#connect").onclick = () => cars.start(ASKS);
at("#window").onclick = () => cars.popup(ASKS);
at("#forget").onclick = () => cars.forgetAttempt();

cars.subscribe(() => {
  const { connections, vehicles, outcome, error, unfinished, busy } = cars.getSnapshot();
  at("[role=status]").textContent = outcome ? (outcome.kind === "connected" ? "Connected." : `Not connected: ${outcome.kind}`) : "";
  at("[role=alert]").textContent = error?.message ?? "";
  at("#unfinished").hidden = unfinished === null;
  at("#none").hidden = connections?.length !== 0;
  at("#cars").replaceChildren(...(connections ?? []).map((connection) => itemOf(connection, vehicles ?? [])));
  for (const button of document.querySelectorAll("button")) button.disabled = busy !== null;
});

function itemOf({ id, status }, vehicles) {
  const item = document.createElement("li");
  const own = vehicles.filter(({ connectionId }) => connectionId === id);
  item.append(own.map(nameOf).join(", "), " ");
  if (status.endsWith("_required")) item.append(buttonOf("Your car needs you", () => cars.reconnect(id, ASKS)), " ");
  item.append(buttonOf("Disconnect", () => cars.disconnect(id)));
  return item;
}

/** Smartcar does not say all of it of every car, nor at once. */
const nameOf = ({ make, model, year }) => [make, model, year].filter(Boolean).join(" ") || "Your car";

function buttonOf(text, onclick) {
  return Object.assign(document.createElement("button"), { type: "button", textContent: text, onclick });
}
