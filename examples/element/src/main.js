import { disconnect, vehicles } from "smartcar-connect";
import "smartcar-connect/element";

const list = document.querySelector("#cars");
const status = document.querySelector("[role=status]");

for (const button of document.querySelectorAll("smartcar-connect-button")) {
  button.addEventListener("outcome", ({ detail }) => {
    status.textContent = detail.kind === "connected" ? "✓" : detail.kind;
    showCars();
  });
  button.addEventListener("error", ({ detail }) => console.error(detail.message));
}

async function showCars() {
  const cars = await vehicles();
  const items = cars.map(({ connectionId, make, model, year }) => {
    const item = document.createElement("li");
    const goodbye = document.createElement("button");
    goodbye.textContent = "✕";
    goodbye.setAttribute("aria-label", `${document.documentElement.lang === "de" ? "Trennen" : "Disconnect"}: ${make} ${model}`);
    goodbye.onclick = async () => {
      goodbye.disabled = true; // once is enough
      await disconnect(connectionId);
      await showCars();
    };
    item.append(`${make} ${model} ${year} `, goodbye);
    return item;
  });
  list.replaceChildren(...items);
}
await showCars();
