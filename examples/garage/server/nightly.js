// `npm run nightly`, by cron: writes down what each car of each user says, with no page open and no user there. Owners who have to act get
// a note. A car that can't be read tonight is one for the next night, and keeps nobody else waiting.
import process from "node:process";

import { noteWell, remind } from "./notes.js";
import { Refused, ask } from "./smartcar.js";
import { keepReading } from "./store.js";
import { USERS } from "./users.js";
import { nameOf } from "./words.js";

for (const user of USERS) {
  try {
    await night(user);
  } catch (error) {
    // The Worker can't be asked about this user: cron tells whoever reads its mail.
    console.error(`${user.name}: ${error.message}`);
    process.exitCode = 1;
  }
}

async function night(user) {
  const { vehicles } = await ask(user.id, "/vehicles");
  if (vehicles.length === 0) console.log(`${user.name}: no cars`);
  const wanting = new Set();
  // One after the other: nobody waits for it, and Smartcar limits how much an application may ask at once.
  for (const car of vehicles) {
    // Where the grant is over there is nothing to ask with.
    if (car.status !== "reconnection_required" && (await read(user, car)) === "wants its owner") wanting.add(car.id);
  }
  // How they are after that: reading them may have shown that a grant is over.
  const { connections } = await ask(user.id, "/connections");
  for (const { connectionId, ...car } of vehicles) {
    const { status, since } = connections.find(({ id }) => id === connectionId) ?? {};
    if (status === "reconnection_required") {
      report(user, car, ["has to be connected again", ...failuresOf(() => remind(user.id, car, status, since))]);
    } else if (wanting.has(car.id)) {
      report(user, car, ["needs its owner", ...failuresOf(() => remind(user.id, car, "reauthentication_required", since))]);
    }
  }
}

async function read(user, car) {
  const answers = [];
  for (const path of ["/odometer", "/battery"]) {
    answers.push(await ask(user.id, `/api/v2.0/vehicles/${encodeURIComponent(car.id)}${path}`).catch((error) => error));
  }
  const errors = answers.filter((answer) => answer instanceof Error);
  const said = [...new Set(errors.map(({ message }) => message))];
  // What it says in part is better than nothing: not every car has a battery, and not every owner allows everything.
  if (errors.length < answers.length) {
    const [odometer, battery] = answers.map((answer) => (answer instanceof Error ? {} : answer));
    const reading = { car: car.id, name: nameOf(car), km: odometer.distance ?? null, battery: battery.percentRemaining ?? null };
    said.push(...failuresOf(() => keepReading(user.id, reading)));
  }
  if (errors.length === 0) said.push(...failuresOf(() => noteWell(user.id, car)));
  report(user, car, said.length > 0 ? said : ["is written down"]);
  const wantsOwner = errors.some((error) => error instanceof Refused && error.smartcar?.resolution === "REAUTHENTICATE");
  return wantsOwner ? "wants its owner" : "written down, as far as it could be read";
}

/** The app's own database may fail as well: that is for whoever reads cron's mail, and the other cars go on. */
function failuresOf(write) {
  try {
    write();
    return [];
  } catch (error) {
    process.exitCode = 1;
    return [`could not be written down: ${error.message}`];
  }
}

function report(user, car, said) {
  console.log(`${user.name}: ${nameOf(car)} ${said.join("; ")}`);
}
