// The page: who is signed in, and that person's cars.
import { hideCars, showCars } from "./cars.js";
import { showNotes, watchNews } from "./notes.js";
import * as session from "./session.js";
import { SCOPE, smartcar } from "./smartcar.js";
import { OUTCOMES } from "./words.js";

const body = document.body;
const notice = document.querySelector("#notice");
const form = document.querySelector("#sign-in");
const takeAlong = document.querySelector("#take-along");
let stopNews = () => {};

function say([tone, text]) {
  Object.assign(notice, { textContent: text, hidden: false });
  notice.dataset.tone = tone;
}

/** What a button does: as `refresh`, and what was said before is over. */
function act(work) {
  notice.hidden = true;
  return refresh(work);
}

/** Runs something, says what came of it, and shows what is so then, also after an error. */
async function refresh(work) {
  body.ariaBusy = "true";
  try {
    const outcome = await work?.();
    // The page is on its way to Connect.
    if (outcome?.kind === "redirected") return;
    if (outcome?.kind) say(OUTCOMES[outcome.kind] ?? OUTCOMES.unknown_error);
  } catch (error) {
    say(["bad", error.message]);
  }
  await show().catch((error) => say(["bad", error.message]));
  body.ariaBusy = null;
}

/** Shows the page of whoever is signed in, or of a visitor. */
async function show() {
  const user = session.signedIn();
  body.dataset.view = user ? "user" : "visitor";
  document.querySelector("#account-name").textContent = user?.name ?? "";
  const count = await showCars({ act, refresh });
  if (count === undefined) return;
  takeAlong.hidden = count === 0;
  if (user) await showNotes();
}

/** Another person is in front of the page: nothing of the one before stays on it. */
function changeUser() {
  stopNews();
  const user = session.signedIn();
  hideCars(user ? "You have no cars yet." : "You can connect a car first, and take it along when you sign in.");
  document.querySelectorAll(".list").forEach((list) => list.replaceChildren());
  stopNews = user ? watchNews(() => refresh()) : () => {};
}

// In the click itself: a browser lets a window open then only.
document.querySelector("#connect").onclick = () => act(() => smartcar.popup({ scope: SCOPE }));

form.onsubmit = (event) => {
  event.preventDefault();
  const { name, password, claim } = form.elements;
  const bringsCars = !takeAlong.hidden && claim.checked;
  return act(async () => {
    await session.signIn(name.value, password.value);
    form.reset();
    changeUser();
    // What was connected in this browser before, if the visitor says that it is theirs.
    if (bringsCars) await smartcar.claim();
  });
};

document.querySelector("#sign-out").onclick = () =>
  act(async () => {
    await session.signOut();
    changeUser();
    // Nor is what was begun in this browser the next user's.
    await smartcar.signOut();
  });

for (const account of form.querySelectorAll("[data-name]")) {
  account.onclick = () => {
    form.elements.name.value = account.dataset.name;
    form.elements.password.value = account.dataset.password;
  };
}

// Somebody has signed out or in elsewhere, or something has happened to a car, while nobody looked.
async function lookAgain() {
  const before = session.signedIn()?.id;
  if ((await session.whoIsSignedIn())?.id !== before) changeUser();
}
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && refresh(lookAgain));

session.events.addEventListener("changed", () => {
  changeUser();
  refresh(async () => {
    await lookAgain();
    if (!session.signedIn()) say(["info", "You are signed out. Sign in again."]);
  });
});

await refresh(async () => {
  await session.whoIsSignedIn();
  changeUser();
  // Back from Connect? In a window of its own this hands over to the page that waits, and closes it.
  if (smartcar.hasCallback()) return smartcar.finish();
});
