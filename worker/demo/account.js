// Who is signed in. The app's back end knows it, and says so to the Worker by a ticket that is good for one session.
import { ask } from "./http.js";
import { signInWords } from "./account-words.js";

const byId = (id) => document.getElementById(id);
let users = [];
let user = null;

/** Who is signed in, `{ id, name }`, or `null`. */
export const signedIn = () => user;

/** Asks the back end who is signed in. Without one nobody can sign in, and cars are connected all the same. */
export async function loadAccount() {
  try {
    ({ users, user } = await ask("GET", "./demo/account"));
  } catch {
    [users, user] = [[], null];
  }
  byId("users").replaceChildren(...users.map(userButton));
}

/**
 * Signs a user in: at the app, and by its ticket in this browser at the Worker. What was connected here before comes along.
 * @returns {Promise<number>} how many connections came along
 */
export async function signIn(id) {
  const { user: account, ticket } = await ask("PUT", "./demo/account", { user: id });
  let claimed;
  try {
    claimed = await ask("POST", "./smartcar/session/claim", { ticket });
  } catch (error) {
    // At both, or at neither.
    await ask("DELETE", "./demo/account");
    throw error;
  }
  user = account;
  return claimed.connections;
}

/** Opens the session at the Worker again of whoever is signed in: it may be over before the log-in is. */
export async function resume() {
  await ask("POST", "./smartcar/session", await ask("POST", "./demo/ticket"));
}

/** Signs out at both: at the Worker first, so that no session outlives the log-in. */
export async function signOut() {
  await ask("DELETE", "./smartcar/session");
  await ask("DELETE", "./demo/account");
  user = null;
}

/** Shows who is signed in, or how to, while `view` is shown. */
export function showAccount(view) {
  byId("account").hidden = !user;
  byId("account-name").textContent = user?.name ?? "";
  byId("account").querySelector(".avatar").dataset.initial = user?.name[0] ?? "";
  byId("sign-in").hidden = Boolean(user) || users.length === 0 || !["welcome", "cars"].includes(view);
  byId("sign-in-text").textContent = signInWords(view);
}

function userButton({ id, name }) {
  const button = byId("user-template").content.cloneNode(true).firstElementChild;
  Object.assign(button.dataset, { user: id, name });
  button.querySelector(".avatar").dataset.initial = name[0];
  button.querySelector(".user-name").textContent = name;
  button.setAttribute("aria-label", `Sign in as ${name}`);
  return button;
}
