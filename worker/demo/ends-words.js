// What the page says where a connection does not end as planned, as words.js does of the rest.
import { moment } from "./words.js";

/** The words for what was begun and did not come back; `attempt` is what `unfinishedAttempt()` returns. */
export function unfinishedWords({ startedAt, expiresAt, connectionId, tries }, now = Date.now()) {
  const what = connectionId ? "reconnecting your car" : "connecting a car";
  const isOpen = now < expiresAt;
  return {
    title: isOpen ? `You haven't finished ${what}` : `You didn't finish ${what}`,
    text: isOpen
      ? `You left for Smartcar at ${moment(startedAt)} and haven't come back yet, so nothing has changed here. If its page is still open in another tab, go on there until ${moment(expiresAt)}. Otherwise start again.`
      : `You left for Smartcar at ${moment(startedAt)} and didn't come back within ten minutes, so nothing has changed here. A page of Smartcar's that is still open is of no use any more: close it, and start again.`,
    hint:
      tries > 1
        ? `This is the ${ordinal(tries)} time in a row. Did Smartcar show an error page instead of the log-in? Then trying again won't help: please tell the people who run this app what it said.`
        : "",
    action: connectionId ? "Try to reconnect again" : "Start again",
  };
}

function ordinal(number) {
  const suffix = { one: "st", two: "nd", few: "rd", other: "th" }[new Intl.PluralRules("en", { type: "ordinal" }).select(number)];
  return `${number}${suffix}`;
}

/** What a new connection has changed of former ones, as `[tone, title, text]`; `undefined` if nothing that the owner has to know. */
export function replacedWords({ connection, replaced = [] }) {
  const count = (name) => new Set(replaced.flatMap((one) => one[name].map(({ id }) => id))).size;
  const [lost, takenOver] = [count("lost"), count("takenOver")];
  const now = connection.vehicles.length === 1 ? "Your car is connected" : `${connection.vehicles.length} cars are connected`;
  if (lost > 0) {
    return [
      "warn",
      lost === 1 ? `${now}, but another one was lost` : `${now}, but ${lost} others were lost`,
      `Smartcar has ended the access that you gave before to ${lost === 1 ? "another car" : `${lost} other cars`}. To have all of them, connect once more and tick every car on the last page.`,
    ];
  }
  if (takenOver === 0) return undefined;
  return [
    "good",
    now,
    `This takes the place of what you connected before${takenOver < connection.vehicles.length ? ` for ${takenOver} of them` : ""}. From now on access is renewed automatically.`,
  ];
}

/** The words above the cars while one of them needs its owner; `names` are those of the cars of its connection. */
export function wantedWords(names, advice) {
  const car = new Intl.ListFormat("en", { type: "disjunction" }).format(names);
  return { title: names.length === 1 ? "Your car needs you" : "One of your cars needs you", text: `${car}: ${advice}` };
}
