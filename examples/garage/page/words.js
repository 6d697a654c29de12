// What the page says.

const number = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const percent = new Intl.NumberFormat("en", { style: "percent" });
const time = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });

export const distance = (km) => `${number.format(km)} km`;
export const charge = (part) => percent.format(part);
export const when = (ms) => time.format(ms);

/** "Tesla Model 3", as far as Smartcar has said. */
export function nameOf({ make, model }) {
  const readable = /^[A-Z]{4,}$/.test(make ?? "") ? make[0] + make.slice(1).toLowerCase() : make;
  return [readable, model].filter(Boolean).join(" ") || "Your car";
}

/** How a connection is, by its `status`. */
export const STATES = {
  active: "Connected",
  degraded: "Connected. Smartcar can’t be reached at the moment",
  reauthentication_required: "Needs you: please reconnect",
  reconnection_required: "The access has ended: please reconnect",
};

/** What came of a visit to Connect, by the `kind` of the outcome; `redirected` leaves the page and needs no words. */
export const OUTCOMES = {
  connected: ["good", "Connected. From now on the access is renewed by itself."],
  reauthenticated: ["good", "Thank you for logging in. How your car is shows below."],
  access_denied: ["info", "You didn’t give access, so nothing was connected."],
  no_vehicles: ["warn", "There is no car in that account. Add it in the app of its maker, or use another account."],
  vehicle_incompatible: ["warn", "This car can’t be connected: it may be too old, or its maker may not support it."],
  invalid_subscription: ["warn", "The car’s online services are not active. Activate them in the app of its maker."],
  oem_cancelled_login: ["info", "The log-in at the car’s maker wasn’t finished, so nothing was connected."],
  user_manually_returned_to_application: ["info", "You came back early. Nothing was connected."],
  user_cancelled: ["info", "You came back early. Nothing was connected."],
  popup_closed: ["info", "The window was closed. Nothing was connected."],
  popup_expired: ["info", "That took longer than ten minutes. Please start again."],
  configuration_error: ["bad", "Smartcar refused this app’s request. Please tell the people who run it."],
  server_error: ["bad", "Something went wrong at Smartcar. Try again in a few minutes."],
  unknown_error: ["bad", "Something went wrong at Smartcar. Try again in a few minutes."],
};
