// Everything that the page says, kept apart from how it is shown.
// Text from outside (Smartcar's messages, ids) is returned as data; the page puts it into text nodes only.

const TELL_US = "Trying again won't help: please tell the people who run this app.";
const FROM_THE_START = "Nothing was connected. Please start again with the button below.";

/** The words for what `finish()` resolves to: `{ code, tone, title, text, facts }`. */
export function outcomeWords(outcome) {
  const [tone, title, text] = OUTCOMES[outcome.kind](outcome);
  return { code: outcome.kind, tone, title, text, facts: outcomeFacts(outcome) };
}

const OUTCOMES = {
  connected: ({ connection }) => [
    "good",
    connectedTitle(connection),
    connection.vehiclesPending
      ? "Smartcar hasn't told us yet which cars it covers. They appear below as soon as it does."
      : "See below. From now on access is renewed automatically.",
  ],
  reauthenticated: ({ connection }) =>
    connection?.status === "reauthentication_required"
      ? ["info", "Thank you for logging in", "We'll see whether it worked as soon as the car answers. Until then it stays marked below."]
      : ["good", "Your car is connected again", "Thank you. Nothing else is needed."],
  access_denied: () => [
    "info",
    "You didn't give access",
    "Nothing was connected. If you change your mind, start again and allow access on the last page.",
  ],
  vehicle_incompatible: () => [
    "warn",
    "This car can't be connected",
    "It may be too old, or its maker may not support it. If you have another car, try that one.",
  ],
  invalid_subscription: () => [
    "warn",
    "The car's online services are not active",
    "Activate the car's subscription in the car maker's own app, then connect again.",
  ],
  no_vehicles: () => [
    "warn",
    "There is no car in that account",
    "Nothing was connected. Add the car in the car maker's own app, or start again and log in with the account that has it.",
  ],
  configuration_error: () => ["bad", "This app isn't set up correctly", `Smartcar refused its request. ${TELL_US}`],
  server_error: () => [
    "bad",
    "Something went wrong at Smartcar",
    "Nothing was connected. Wait a few minutes, then try again.",
  ],
  oem_cancelled_login: () => [
    "info",
    "The log-in wasn't finished",
    "You left the car maker's log-in page, so nothing was connected. You can start again at any time.",
  ],
  user_manually_returned_to_application: () => [
    "info",
    "You came back early",
    "Nothing was connected yet. You can start again at any time.",
  ],
  user_cancelled: () => ["info", "You cancelled", "Nothing was connected. You can start again at any time."],
  unknown_error: () => ["bad", "Smartcar reported a problem", FROM_THE_START],
};

function connectedTitle({ vehicles, vehiclesPending }) {
  if (vehiclesPending) return "You're connected";
  return vehicles.length === 1 ? "Your car is connected" : `${vehicles.length} cars are connected`;
}

function outcomeFacts({ vehicle, error, statusCode, errorMessage, description, kind }) {
  const wantsReason = ["configuration_error", "server_error", "unknown_error"].includes(kind);
  return present([
    ["Car", [vehicle?.year, vehicle?.make, vehicle?.model].filter(Boolean).join(" ")],
    ["VIN", vehicle?.vin],
    ["Error", error],
    ["Status", statusCode],
    ["Smartcar says", wantsReason && (errorMessage ?? description)],
  ]);
}

/** What the owner is asked before `cars`, a list of names, are disconnected. */
export function disconnectWords(cars) {
  const consequence =
    "Smartcar is told, and the access that was kept here is deleted. You can connect again at any time.";
  return {
    title: cars.length === 1 ? `Disconnect ${cars[0]}?` : `Disconnect ${cars.length} cars?`,
    text:
      cars.length === 1
        ? `This app can then read nothing from it any more. ${consequence}`
        : `You gave access to ${listed(cars)} together, so it ends for ${cars.length === 2 ? "both" : "all of them"}. ${consequence}`,
    action: "Disconnect",
    progress: "Disconnecting… This can take a few seconds.",
  };
}

/** The words for what `disconnect()` has done. */
export function disconnectedWords(cars) {
  return {
    code: "disconnected",
    tone: "good",
    title: cars.length === 1 ? `${cars[0]} is disconnected` : `${cars.length} cars are disconnected`,
    text: `This app can read nothing from ${cars.length === 1 ? "it" : "them"} any more. You can connect again at any time.`,
    facts: [],
  };
}

/** What the owner is asked before everything is deleted. */
export function deleteWords() {
  return {
    title: "Delete everything?",
    text: "All your cars are disconnected, and everything that this app keeps of you is deleted. You can connect again at any time.",
    action: "Delete",
    progress: "Deleting… This can take a few seconds.",
  };
}

/** The words for what `disconnectAll()` has done. */
export function deletedWords() {
  return {
    code: "deleted",
    tone: "good",
    title: "Everything is deleted",
    text: "Your cars are disconnected, and this app keeps nothing of you any more. You can connect again at any time.",
    facts: [],
  };
}

function listed(names) {
  return new Intl.ListFormat("en").format(names);
}

/** The words for a `ConnectError`, and for any other exception. */
export function errorWords(error) {
  // A `DOMException` has a number there.
  const code = typeof error.code === "string" ? error.code : "unexpected";
  const [tone, title, text, showsDetail] = SMARTCAR_ERRORS[error.smartcar?.type] ?? ERRORS[code] ?? [
    "bad",
    "Something went wrong",
    "Please try again. If it keeps happening, tell the people who run this app.",
    true,
  ];
  return {
    code,
    tone,
    title,
    text: error.retryAfter ? `${text} Wait at least ${duration(error.retryAfter)}.` : text,
    facts: present([
      ["Error", showsDetail && code],
      ["Detail", showsDetail && error.message],
      ["Request", error.requestId],
    ]),
  };
}

const BAD_CALLBACK = ["warn", "That answer from Smartcar can't be read", FROM_THE_START];

const ERRORS = {
  state_missing: BAD_CALLBACK,
  callback_empty: BAD_CALLBACK,
  callback_malformed: BAD_CALLBACK,
  callback_repeated_parameter: BAD_CALLBACK,
  callback_too_long: BAD_CALLBACK,
  callback_other_redirect_uri: BAD_CALLBACK,
  callback_other_issuer: BAD_CALLBACK,
  state_unknown: [
    "warn",
    "That answer isn't from this browser",
    "It was opened in another browser, or somebody sent you the link. It was ignored, and nothing was connected.",
  ],
  state_expired: [
    "warn",
    "That took longer than 10 minutes",
    "The request ran out to keep you safe, so nothing was connected. Please start again.",
  ],
  state_used: [
    "info",
    "That answer was used already",
    "If your car is missing below, connect it again.",
  ],
  finish_interrupted: [
    "warn",
    "The page was left too early",
    "Smartcar's answer was lost on the way, so nothing was connected. Please start again.",
  ],
  cookie_blocked: [
    "warn",
    "This browser refuses our cookie",
    "Without it you would not be recognised when you come back. Allow cookies for this site, then start again.",
    true,
  ],
  session_missing: [
    "warn",
    "This browser was not recognised",
    "Its cookie is gone or blocked, so nothing was connected. Allow cookies for this site, then start again.",
  ],
  connection_not_found: [
    "info",
    "It was disconnected already",
    "Somebody did so in another tab or browser, or it has run out. The page is up to date now.",
  ],
  browser_storage_unavailable: [
    "warn",
    "This browser keeps nothing for this site",
    "Its storage is blocked or full, so nothing was connected. Allow this site to store data, then start again.",
  ],
  callback_unexpected: [
    "warn",
    "That answer belongs to something else",
    "It isn't the answer to what you started here, so it was ignored. Please try again with the button below.",
  ],
  nothing_to_mend: ["good", "All is well again", "This car needs nothing of you. The page is up to date now."],
  code_missing: ["bad", "Smartcar's answer was incomplete", FROM_THE_START],
  exchange_refused: ["bad", "Smartcar didn't accept the answer", FROM_THE_START],
  upstream_unavailable: ["bad", "Smartcar can't be reached", "This is not your fault. Please try again a little later."],
  network_error: [
    "bad",
    "The server can't be reached",
    "Check that you are online, then try again. If you were connecting a car, please start again.",
  ],
  unexpected_response: [
    "bad",
    "The server's answer can't be read",
    "Something between it and you may be in the way. Try again a little later, or tell the people who run this app.",
    true,
  ],
  storage_unavailable: ["bad", "The server can't store anything just now", "Nothing was lost. Please try again a little later."],
  outcome_unknown: [
    "warn",
    "The car hasn't answered",
    "It may have done it all the same. Look below, or at the car, before you try again.",
  ],
  smartcar_error: ["bad", "The car can't be reached", "Smartcar reported a problem. Try again a little later."],
  ticket_rejected: ["warn", "The sign-in came too late", "Please sign in again."],
  invalid_client: ["bad", "This app isn't set up correctly", `Smartcar doesn't accept it. ${TELL_US}`, true],
  misconfigured: ["bad", "This app isn't set up correctly", TELL_US, true],
  origin_not_allowed: ["bad", "This app isn't set up correctly", TELL_US, true],
  wasm_blocked: [
    "bad",
    "This page may not run WebAssembly",
    "For its developer: the Content-Security-Policy needs 'wasm-unsafe-eval' in script-src.",
    true,
  ],
};

/** What Smartcar says of a car that was to be locked, by the `type` of its error. */
const SMARTCAR_ERRORS = {
  PERMISSION: ["info", "You didn't allow that", "Connect the car again and allow it on the last page, if you want to."],
  VEHICLE_STATE: ["warn", "The car can't do that just now", "It may be driving, asleep or out of reach. Try again in some minutes."],
  COMPATIBILITY: ["info", "This car can't do that", "Its maker offers it for other models only."],
  RATE_LIMIT: ["warn", "That was too often", "The car wants to be left alone for a while."],
  CONNECTED_SERVICES_ACCOUNT: [
    "warn",
    "The car maker wants to hear from you",
    "Open the maker's own app and see whether it asks for something, then try again.",
  ],
};

/** What stands at the top of a view, and below it; nothing while the page works. */
export function headlineWords(view) {
  return {
    welcome: [
      "Connect your car",
      "You log in with the car maker and choose what this app may read. Your password and the access tokens never reach this page.",
    ],
    cars: ["Your cars", "This app can read what you allowed, until you disconnect."],
    unavailable: ["Your cars can't be shown", "They are still connected. Try again in a moment."],
  }[view];
}

/** The words for the status of a connection; `needsOwner` says that only the owner can help. */
export function statusWords({ status, cause }) {
  const because = CAUSES[cause] ? `${CAUSES[cause]} ` : "";
  return {
    active: { label: "Connected", advice: "", needsOwner: false },
    degraded: {
      label: "Connected, but not up to date",
      advice: `${because}We try again by ourselves: there is nothing for you to do.`,
      needsOwner: false,
    },
    reauthentication_required: {
      label: "Needs you",
      advice: WANTED[cause] ?? WANTED.authentication_failed,
      needsOwner: true,
    },
    reconnection_required: {
      label: "Access ended",
      advice: `${because}Nothing can be read any more. Connect again if you want to go on.`,
      needsOwner: true,
    },
  }[status];
}

const WANTED = {
  authentication_failed: "The car maker wants you to log in again. Until then nothing can be read.",
  permission_missing: "This app asked for something that you have not allowed. Whatever you have allowed still works.",
  maker_permission_missing:
    "Your account with the car maker doesn't allow something that this app asked for. Everything else still works.",
  cannot_migrate:
    "Smartcar, which this app reads your car through, is changing. Connect again to keep the car; until then everything still works.",
};

const UNREACHABLE = "Smartcar could not be reached the last time.";
const CAUSES = {
  invalid_grant: "Smartcar says that you, or the car maker, ended it.",
  refresh_token_expired: "It was not used for 60 days.",
  no_vehicles: "Smartcar no longer has a car of yours for this app: the access was taken back, or replaced by a later one.",
  invalid_client: "Smartcar does not accept this app at the moment.",
  rate_limited: "Smartcar has too much to do at the moment.",
  refused_without_reason: "Smartcar refused the last renewal.",
  server_error: "Smartcar has a problem at the moment.",
  timed_out: UNREACHABLE,
  connection_lost: UNREACHABLE,
  unreadable_response: "Smartcar's last answer could not be read.",
  redirected: "Smartcar's last answer could not be read.",
};

/** The words for a car whose name is not known; without an `id` for cars that are still being asked for. */
export function unknownCarWords(id, problem) {
  if (!id) return "We are still asking Smartcar which they are. Look again in a minute.";
  return PROBLEMS[problem] ?? "Its name and year can't be read just now.";
}

const PROBLEMS = {
  not_described: "Its name and year come the next time you look.",
  reauthentication_required: "The car maker wants you to log in again.",
  reconnection_required: "Its name and year can't be read any more.",
};

const UNITS = [["day", 86_400], ["hour", 3_600], ["minute", 60]];

/** A past time as "3 minutes ago"; anything under a minute is "just now". */
export function ago(at) {
  const seconds = (Date.now() - new Date(at)) / 1000;
  const [unit, size] = UNITS.find(([, size]) => seconds >= size) ?? [];
  if (!unit) return "just now";
  return new Intl.RelativeTimeFormat("en").format(-Math.floor(seconds / size), unit);
}

/** A time as "14:05" when it is today, else as "24 November, 14:05". */
export function moment(at) {
  const isToday = new Date(at).toDateString() === new Date().toDateString();
  const day = isToday ? {} : { day: "numeric", month: "long" };
  return new Intl.DateTimeFormat("en-GB", { ...day, hour: "2-digit", minute: "2-digit" }).format(at);
}

function duration(seconds) {
  const [amount, unit] = seconds < 90 ? [seconds, "second"] : [Math.ceil(seconds / 60), "minute"];
  return new Intl.NumberFormat("en", { style: "unit", unit, unitDisplay: "long" }).format(amount);
}

/** The facts that have a value. */
function present(facts) {
  return facts.filter(([, value]) => value);
}
