// What the page says of a car, as words.js does of its connection.

const number = new Intl.NumberFormat("en");

/** The charge of a battery in whole percent, or `undefined`. */
export function percentOf({ percentRemaining }) {
  return Number.isFinite(percentRemaining) ? Math.round(Math.min(Math.max(percentRemaining, 0), 1) * 100) : undefined;
}

/** How full a battery is, "64 %, 272 km to go"; `range` is in km. */
export function batteryWords({ percentRemaining, range }) {
  const percent = percentOf({ percentRemaining });
  const parts = [percent !== undefined && `${percent}%`, Number.isFinite(range) && `${number.format(Math.round(range))} km to go`];
  return parts.filter(Boolean).join(" · ");
}

/** A distance in km. */
export function distanceWords(distance) {
  return `${number.format(Math.round(distance))} km`;
}

/** A place in degrees, "52.516° N, 13.378° E". */
export function placeWords({ latitude, longitude }) {
  return `${degrees(latitude, "N", "S")}, ${degrees(longitude, "E", "W")}`;
}

function degrees(value, positive, negative) {
  return `${Math.abs(value).toFixed(3)}° ${value < 0 ? negative : positive}`;
}

/** What stands beside the padlock, and on its button. */
export function lockWords(isLocked) {
  return isLocked ? { state: "Locked", action: "Unlock" } : { state: "Unlocked", action: "Lock" };
}

/** What the owner is asked before a car is locked or unlocked. */
export function lockQuestion(car, lock) {
  return lock
    ? {
        title: `Lock ${car}?`,
        text: "All its doors are locked. Make sure that the key is not inside.",
        action: "Lock",
        progress: "Locking… The car may take a minute to answer.",
        isGrave: false,
      }
    : {
        title: `Unlock ${car}?`,
        text: "All its doors are unlocked at once, wherever it is. Anybody who stands beside it can get in.",
        action: "Unlock",
        progress: "Unlocking… The car may take a minute to answer.",
        isGrave: true,
      };
}

/** What is said once it is done. */
export function lockedWords(car, lock) {
  return `${car} is ${lock ? "locked" : "unlocked"}.`;
}
