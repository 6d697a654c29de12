import { disconnect, vehicles } from "smartcar-connect";
import "smartcar-connect/element";

const list = document.querySelector("#cars");
const status = document.querySelector("[role=status]");
const [yourCar, goodbyeTo] = document.documentElement.lang === "de" ? ["Ihr Auto", "Trennen"] : ["Your car", "Disconnect"];

for (const button of document.querySelectorAll("smartcar-connect-button")) {
  button.addEventListener("outcome", ({ detail }) => {
    status.textContent = detail.kind === "connected" ? "✓" : detail.kind;
    showCars().catch(showError);
  });
  // It shows a message itself, in the words of the page.
  button.addEventListener("error", ({ detail }) => console.error(detail.message));
}

async function showCars() {
  const cars = await vehicles();
  list.replaceChildren(...cars.map(itemOf));
}

function itemOf({ connectionId, make, model, year }) {
  // Smartcar does not say all of it of every car, nor at once.
  const name = [make, model, year].filter(Boolean).join(" ") || yourCar;
  const item = document.createElement("li");
  const goodbye = document.createElement("button");
  goodbye.textContent = "✕";
  goodbye.setAttribute("aria-label", `${goodbyeTo}: ${name}`);
  goodbye.onclick = async () => {
    goodbye.disabled = true; // once is enough
    try {
      await disconnect(connectionId);
      await showCars();
    } catch (error) {
      goodbye.disabled = false;
      showError(error);
    }
  };
  item.append(`${name} `, goodbye);
  return item;
}

function showError(error) {
  status.textContent = error.message;
}

showCars().catch(showError);
