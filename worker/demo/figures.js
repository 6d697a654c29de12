// What a car says now. The page gets it from the app's back end (`worker/demo-backend.js`): a token never comes here.

/** Puts odometer and location on a card, as far as they are to be had. */
export async function showFigures(card, words) {
  for (const row of card.querySelectorAll("[data-vehicle]")) {
    const figures = row.querySelector(".figures");
    const said = await readings(row.dataset.vehicle);
    const pairs = words(said).flatMap(([term, value]) => [element("dt", term), element("dd", value)]);
    figures.replaceChildren(...pairs);
  }
}

async function readings(vehicleId) {
  try {
    const answer = await fetch(`./demo/vehicles/${encodeURIComponent(vehicleId)}`);
    return answer.ok ? await answer.json() : {};
  } catch {
    // A card is worth showing without its figures, too.
    return {};
  }
}

function element(name, text) {
  return Object.assign(document.createElement(name), { textContent: text });
}
