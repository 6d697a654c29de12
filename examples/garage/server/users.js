// Who has an account. An app has them in its database, or at an identity provider; here they are two, and their passwords are on the page.
import { scrypt, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

const derive = promisify(scrypt);

/** `password` is `salt:scrypt` in hexadecimal digits: of "engine", and of "compiler". */
export const USERS = [
  { id: "42", name: "Ada", password: "3daa70f53e07b69646432e765a99977f:83efd4a84f3e31de37de1d0f09e6dfc5fba6684d4d122da6c4043328e6a6ec2b" },
  { id: "43", name: "Grace", password: "b02f5fbb53824510075062baa4971c7b:4db7b6b885df2f57aab6c396abf9a8e34cbc4de7ab680d79f593f66b737d8063" },
];

/** What the page may know of a user. */
export const shown = (user) => (user ? { id: user.id, name: user.name } : null);

export const userById = (id) => USERS.find((user) => user.id === id);

/** The user with this name and password. */
export async function userByPassword(name, password) {
  const user = USERS.find((user) => user.name.toLowerCase() === String(name).trim().toLowerCase());
  // As much work where nobody has that name, so that the time does not tell.
  const [salt, expected] = (user ?? USERS[0]).password.split(":").map((digits) => Buffer.from(digits, "hex"));
  const derived = await derive(String(password), salt, expected.length);
  return timingSafeEqual(derived, expected) ? user : undefined;
}
