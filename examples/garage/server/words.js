// What the app writes to its users about their cars.

/** "Tesla Model 3", as far as Smartcar has said. */
export function nameOf({ make, model }) {
  const readable = /^[A-Z]{4,}$/.test(make ?? "") ? make[0] + make.slice(1).toLowerCase() : make;
  return [readable, model].filter(Boolean).join(" ") || "Your car";
}

export const wanted = (name) => `${name} needs you: its maker wants you to log in again.`;
export const ended = (name) => `${name} can’t be read any more: the access that you gave has ended.`;
export const well = (name) => `${name} can be read again.`;
