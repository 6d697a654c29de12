// What the app writes to its users about their cars.

/** "Tesla Model 3", as far as Smartcar has said. */
export function nameOf({ make, model }) {
  const readable = /^[A-Z]{4,}$/.test(make ?? "") ? make[0] + make.slice(1).toLowerCase() : make;
  return [readable, model].filter(Boolean).join(" ") || "Your car";
}

export const reauthentication_required = (name) => `${name} needs you: choose “Reconnect” beside it.`;
export const reconnection_required = (name) => `${name} can’t be read any more: the access that you gave has ended.`;
export const well = (name) => `${name} can be read again.`;
