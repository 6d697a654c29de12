import type { Signal } from "./platform.js";

/** What went wrong, in `ConnectError.code`. The names are stable. */
export type ConnectErrorCode =
  /** A function was called before `init()` had finished. */
  | "not_initialized"
  /** The page's Content-Security-Policy forbids WebAssembly: add `'wasm-unsafe-eval'` to its `script-src`. */
  | "wasm_blocked"
  /** The WebAssembly file could not be loaded. */
  | "wasm_unavailable"
  /** A script of the package, which is loaded when it is first needed, could not be. */
  | "script_unavailable"
  /** A defect in this package or in the Worker. */
  | "internal"
  /** An argument or option is missing, unknown or has a bad value; `field` names it. */
  | "invalid_option"
  /** The function needs a page in a browser. */
  | "not_in_browser"
  /** The browser offers no cryptographic random number generator. */
  | "crypto_unavailable"
  /** `localStorage` is blocked or full. */
  | "browser_storage_unavailable"
  /**
   * `start`: the browser did not keep the session cookie, so that nobody would be recognised on the way back. The Worker is on
   * another site (`localhost` and `127.0.0.1` are two), over plain `http`, or cookies are blocked.
   */
  | "cookie_blocked"
  /** `finish`: the page was reloaded before the Worker had the callback, which is lost. The owner has to start again. */
  | "finish_interrupted"
  /** The Worker could not be reached. Worth a further attempt. */
  | "network_error"
  /**
   * Something other than the Worker answered: `edge` is wrong, or something in front of the Worker is in the way. `status` and
   * the message say which, `retryAfter` how long to wait if the answer does.
   */
  | "unexpected_response"
  /** A problem of the Worker's that this version has no code for; the message names its code. */
  | "edge_error"
  /** The Worker: a setting is missing or unusable; the message names it. */
  | "misconfigured"
  /** The Worker: there is nothing at this address. */
  | "not_found"
  /** The Worker: the address takes another method. */
  | "method_not_allowed"
  /** The Worker: the page's origin is not allowed. */
  | "origin_not_allowed"
  /** The Worker: a header did not arrive; a proxy is in the way. */
  | "header_missing"
  /** The Worker: the body did not arrive as JSON; a proxy is in the way. */
  | "unsupported_media_type"
  /** The Worker: the body was too large. */
  | "body_too_large"
  /** The Worker: the body could not be read. */
  | "invalid_body"
  /** The Worker: a parameter was refused; `field` names it. */
  | "invalid_parameter"
  /** The Worker: the session ended between `start` and `finish`, or its cookie is blocked. */
  | "session_missing"
  /** The Worker: the token of your app's log-in is not accepted; the message says why. Have a new one made. */
  | "invalid_token"
  /** The Worker: the keys of your app's log-in can't be reached. Worth a further attempt after `retryAfter`. */
  | "keys_unavailable"
  /** The Worker: the ticket has expired or was used, or is not one of this deployment's; ask your back end for a new one. */
  | "ticket_rejected"
  /** The callback has no `state`. */
  | "state_missing"
  /** No connection with this `state` was started in this browser: forged, from another browser, or of another log-in. */
  | "state_unknown"
  /** The connection was started more than 10 minutes ago. */
  | "state_expired"
  /** Another callback with this `state` was finished before. */
  | "state_used"
  /** The Worker: too many callbacks are being finished at once. Worth a further attempt after `retryAfter`. */
  | "too_many_requests"
  /** A parameter of the callback occurs more than once. */
  | "callback_repeated_parameter"
  /** The URL has no parameter of a Connect callback. */
  | "callback_empty"
  /** The callback is no well-formed query string. */
  | "callback_malformed"
  /** The callback is longer than any that Connect sends. */
  | "callback_too_long"
  /** The callback arrived at another address than the redirect URI. */
  | "callback_other_redirect_uri"
  /** The callback's `iss` is not Smartcar: it comes from another authorization server. */
  | "callback_other_issuer"
  /** The callback is not the answer to what was started: about another vehicle, or of a re-authentication that was not asked for. */
  | "callback_unexpected"
  /** No authorization code came: the callback says nothing, or access was granted without one. The message says which. */
  | "code_missing"
  /** No user id came, which Smartcar sends to applications that use its v3. */
  | "user_id_missing"
  /** The Worker: Smartcar does not list a car that the user of this callback connected here, or not yet: finish it again. */
  | "connection_not_confirmed"
  /** The Worker: Smartcar refused the authorization code. The owner has to start again. */
  | "exchange_refused"
  /** The Worker: Smartcar does not accept the application's id and secret. */
  | "invalid_client"
  /** The Worker: Smartcar can't be reached. Worth a further attempt. */
  | "upstream_unavailable"
  /** The Worker: the owner has no such connection. */
  | "connection_not_found"
  /** The Worker: the owner has to connect again. */
  | "reconnection_required"
  /** The Worker: the car is connected by the other version of Smartcar's API. Give the option `version` to `vehicle`. */
  | "other_api_version"
  /** The Worker: the connection needs nothing of its owner. Read the connections again. */
  | "nothing_to_mend"
  /** The Worker: its operator has not switched this endpoint of Smartcar's on. */
  | "endpoint_not_allowed"
  /** Smartcar refused a request about a car; `smartcar` of the error has its account. */
  | "smartcar_error"
  /** The Worker: a command was sent and no answer came. Read what it changes before it is sent again. */
  | "outcome_unknown"
  /** The Worker: its storage can't be reached. Worth a further attempt. */
  | "storage_unavailable";

/** Which vehicles the owner is shown: real ones, Smartcar's simulated ones, or the old name of the latter. */
export type Mode = "live" | "simulated" | "test";

/** Whether an owner who has granted access before is asked again: only if something is missing, or always. */
export type ApprovalPrompt = "auto" | "force";

/**
 * Whether a grant can be used: yes; yes, though its last refresh failed and is being repeated; not wholly, or not for long, until
 * the owner has logged in again at the car's maker, granted more, or connected again for Smartcar's v3; no more, so that the owner has to connect again.
 */
export type ConnectionStatus = "active" | "degraded" | "reauthentication_required" | "reconnection_required";

/** Why a connection is not `"active"`. */
export type ConnectionCause =
  | "invalid_grant"
  | "refresh_token_expired"
  | "no_vehicles"
  | "authentication_failed"
  | "permission_missing"
  | "maker_permission_missing"
  | "cannot_migrate"
  | "invalid_client"
  | "rate_limited"
  | "refused_without_reason"
  | "server_error"
  | "timed_out"
  | "connection_lost"
  | "unreadable_response"
  | "redirected";

/** A version of Smartcar's API. */
export type ApiVersion = "v2" | "v3";

/** One grant of an owner. Times are in milliseconds since the Unix epoch, by the Worker's clock. */
export interface Connection {
  id: string;
  status: ConnectionStatus;
  /** Why `status` is what it is; `null` while there is nothing to tell. */
  cause: ConnectionCause | null;
  /** Since when `status` has been what it is. */
  since: number;
  /** The vehicles it covers, by Smartcar's ids. */
  vehicles: { id: string }[];
  /**
   * Whether Smartcar is still being asked which vehicles those are: then none is listed yet. Ask again in some seconds. A Worker
   * that is older than this package leaves it out.
   */
  vehiclesPending?: boolean;
  /**
   * By which version of Smartcar's API its vehicles are asked: `v2` below `api/v2.0`, `v3` below `api/v3`. Left out once the grant
   * has ended, and by a Worker that is older than this package.
   */
  apiVersion?: ApiVersion;
  connectedAt: number;
  /** When the access token ends, which the Worker renews by itself; `null` once the grant has ended. */
  accessExpiresAt: number | null;
  /** When the grant ends unless it is refreshed before; `null` where nothing has to be refreshed, as in Smartcar's v3. */
  refreshExpiresAt: number | null;
  /**
   * When the Worker gives the connection up and tells Smartcar, unless the owner is seen before: each visit moves it, up to the
   * longest life of a session if one is set. A Worker that is older than this package leaves it out.
   */
  keptUntil?: number;
}

/** One vehicle of an owner. */
export interface Vehicle {
  /** Smartcar's id. */
  id: string;
  /** The `id` of the connection it belongs to. */
  connectionId: string;
  /** The `status` of that connection. A Worker that is older than this package leaves it out. */
  status?: ConnectionStatus;
  make?: string;
  model?: string;
  /** Model year, such as 2024. */
  year?: number;
  /** Why make, model and year are not known, as a stable name. */
  problem?: string;
  /** After how many seconds Smartcar is asked again, if that is known. */
  retryAfter?: number;
}

/** A vehicle that cannot be connected, as far as the owner agreed to tell. */
export interface IncompatibleVehicle {
  vin?: string;
  make?: string;
  model?: string;
  /** Model year, such as "2014". */
  year?: string;
}

/** What can stand in the way of a connection. `description` is Connect's own text, in English: for logs, not for owners. */
export type ConnectFailure =
  /** The owner said no. */
  | { kind: "access_denied"; description?: string }
  /** The vehicle has no connected services that Smartcar can use. */
  | { kind: "vehicle_incompatible"; vehicle?: IncompatibleVehicle; description?: string }
  /** The owner's subscription with the manufacturer has ended. */
  | { kind: "invalid_subscription"; description?: string }
  /** There is no vehicle in the owner's account. */
  | { kind: "no_vehicles"; description?: string }
  /** The application is not set up as the request needs it: see `errorMessage` and the Smartcar dashboard. */
  | { kind: "configuration_error"; statusCode?: string; errorMessage?: string; description?: string }
  /** Smartcar failed. */
  | { kind: "server_error"; description?: string }
  /** The owner left the manufacturer's log-in page. */
  | { kind: "oem_cancelled_login"; description?: string }
  /** The owner chose to go back to the app. */
  | { kind: "user_manually_returned_to_application"; description?: string }
  /** The owner closed Connect. */
  | { kind: "user_cancelled"; description?: string }
  /** An error that this version does not know, as given. */
  | { kind: "unknown_error"; error: string; description?: string };

/** What the owner was asked for, as `start` told the Worker. */
export interface Asked {
  /** The permissions, with a space between; without it those of the Smartcar dashboard. */
  scope?: string;
  mode?: Mode;
}

/** What a new connection has changed of one that was made before. */
export interface Replaced {
  /** The `id` of the former connection. It may be gone by now, and is the new one's if that goes on with it. */
  id: string;
  /** Vehicles that the new connection has in its place. */
  takenOver: { id: string }[];
  /** Vehicles that neither of them has any more: Smartcar has ended the access. The owner has to connect them again. */
  lost: { id: string }[];
}

/** How a connection ended. Anything but a failure of the machinery is an outcome, not an error. */
export type FinishOutcome =
  /**
   * `virtualKeyUrl` is where the owner of a Tesla adds the application's virtual key; `replaced` is there if connections that were
   * made before have fewer vehicles now.
   */
  | { kind: "connected"; connection: Connection; virtualKeyUrl?: string; asked?: Asked; replaced?: Replaced[] }
  /**
   * The owner came back from the maker of one vehicle. Nothing was granted anew: the connection goes on, with the status that it has
   * by now, and is `null` if it was disconnected since.
   */
  | { kind: "reauthenticated"; vehicleId: string; connection: Connection | null }
  | ConnectFailure;

/** What Connect sent back, for those with a back end of their own. */
export type Callback =
  /** `code` is for the back end: exchange it within 10 minutes and keep it nowhere. */
  | { kind: "granted"; code?: string; userId?: string; externalId?: string; virtualKeyUrl?: string }
  /** No code comes with it: the tokens that there are go on. */
  | { kind: "reauthenticated"; vehicleId: string; externalId?: string }
  | ConnectFailure;

/** Where the Worker is, who calls it, and for how long. */
export interface CallOptions extends EdgeOptions {
  /**
   * Ends the call: it rejects with the reason of the signal, as `fetch` does. Whether the Worker has done by then what it was asked for
   * is not known; `finish` goes on, and can be called again for its outcome.
   */
  signal?: Signal;
}

/** Where the Worker is, and who calls it. `getToken` and `ticket` are two ways to say the latter; without either it is the cookie. */
export interface EdgeOptions {
  /**
   * The path or URL at which the Worker is mounted. `https`, or `http` on loopback. On another origin it has to allow the
   * page's, and be on the same site, or else no cookie reaches it.
   * @default "/smartcar"
   */
  edge?: string;
  /**
   * Gives the token of your app's log-in, a JWT that the Worker is set up for. Asked before each request and sent as the bearer; once
   * more if the Worker does not accept it, with that token as `rejectedToken`: a function that keeps tokens has to get a new one then.
   * Where it gives nothing, the caller is a visitor with the session cookie.
   */
  getToken?: (again?: { rejectedToken?: string }) => string | null | undefined | Promise<string | null | undefined>;
  /**
   * A ticket that your back end was given by the Worker for this user, or a function that has one made. The first request of the page
   * opens a session by it, in place of any that the browser has; should that end, a function is asked for another one. Where it gives
   * nothing, the caller is a visitor.
   */
  ticket?: string | (() => string | null | undefined | Promise<string | null | undefined>);
}

/** What the owner is asked for in Connect. */
export interface ConnectOptions {
  /**
   * Permissions such as `"read_odometer"`; with `"required:"` in front the owner cannot leave it out. Without any, the
   * application's setting in the Smartcar dashboard counts.
   */
  scope?: string[];
  /** @default "live" */
  mode?: Mode;
  /** @default "auto" */
  approvalPrompt?: ApprovalPrompt;
  /** A manufacturer such as `"TESLA"`: the owner is not asked for it. */
  make?: string;
  /** Whether the owner may choose one vehicle only. */
  singleSelect?: boolean;
  /** The one vehicle that may be connected, by its VIN of 17 characters. Implies `singleSelect`. */
  singleSelectVin?: string;
  /** Smartcar's flags, such as `"country:DE"`. */
  flags?: string[];
  /** An id of the owner for Smartcar's statistics. */
  user?: string;
}

export interface StartOptions extends CallOptions, ConnectOptions {
  /**
   * Where Connect sends the owner back to, exactly as registered in the Smartcar dashboard: a page on the same origin, or on
   * another one of the same site if both give the Worker's whole URL as `edge`.
   * @default the page's address without query and hash
   */
  redirectUri?: string;
  /** The application's id, a UUID. Set by the Worker unless given. */
  applicationId?: string;
  /**
   * Whether to leave the page for Connect. With `false` the URL is for the app to go to, in this tab.
   * @default true
   */
  navigate?: boolean;
}

export interface StartResult {
  /** The Connect URL. It holds the `state`: do not log it. */
  url: string;
  /** Until when the connection can be finished, in milliseconds since the Unix epoch by this browser's clock. */
  expiresAt: number;
}

/**
 * Which page of Connect mends a connection: `"reauthenticate"`, the log-in at the car's maker, which keeps the tokens;
 * `"more_permissions"`, the consent once more; `"tesla_permissions"`, the account at Tesla, from which nobody is sent back;
 * `"new_connection"`, as at the first time, since the grant is over.
 */
export type ReconnectFlow = "reauthenticate" | "more_permissions" | "tesla_permissions" | "new_connection";

/** What the owner is asked for counts in the flows that ask for permissions. */
export type ReconnectOptions = StartOptions;

export interface ReconnectResult {
  flow: ReconnectFlow;
  /** The Connect URL. It may hold the `state`: do not log it. */
  url: string;
  /**
   * Until when it can be finished, in milliseconds since the Unix epoch by this browser's clock. Left out for
   * `"tesla_permissions"`: nothing comes back, and the connection is well again once something works.
   */
  expiresAt?: number;
}

/** What was begun in this browser, and of which nothing has come back. Times are in milliseconds since the Unix epoch, by its clock. */
export interface UnfinishedAttempt {
  startedAt: number;
  /** Until when it can be finished. After that the owner has to start again. */
  expiresAt: number;
  /** The connection that it was to mend, after `reconnect`. */
  connectionId?: string;
  /** How many in a row came to nothing, this one included: more than one suggests that Connect shows an error page. */
  tries: number;
}

export interface FinishOptions extends CallOptions {
  /** Where the Worker is, if not where `start` found it. */
  edge?: string;
}

/** A connection in a window of its own. */
export interface PopupOptions extends Omit<StartOptions, "navigate"> {
  /** The `id` of a connection that is to be mended, as by `reconnect`. */
  reconnect?: string;
  /**
   * Where the browser lets no window open: `"redirect"` takes the page itself to Connect, as `start` does; `"give_up"` does nothing.
   * @default "redirect"
   */
  whenBlocked?: "redirect" | "give_up";
}

/** How a connection in a window of its own ended: as `finish` has it, or without an end. */
export type PopupOutcome =
  | FinishOutcome
  /**
   * The owner has closed the window before it was finished. Where a policy hides the window, the owner is back in the page; if it is
   * finished all the same, `unfinishedAttempt` knows.
   */
  | { kind: "popup_closed" }
  /** Ten minutes have passed. */
  | { kind: "popup_expired" }
  /** The browser let no window open, and `whenBlocked` is `"give_up"`. */
  | { kind: "popup_blocked" }
  /** The browser let no window open: the page is on its way to Connect, and the one that it comes back to has to `finish`. */
  | { kind: "redirected" };

export interface SignOutOptions extends CallOptions {
  /**
   * Whether all sessions of the user end, in every browser.
   * @default false
   */
  everywhere?: boolean;
}

/** What has come along to the user who has signed in. */
export interface Claim {
  /** How many connections. */
  connections: number;
  /** When the session ends that the ticket has opened, unless a visit renews it; left out where a token says who the user is. */
  endsAt?: number;
}

export interface AuthorizeUrlOptions extends ConnectOptions {
  /** The application's id, a UUID. */
  applicationId: string;
  /** Where Connect sends the owner back to, exactly as registered. Left out, the dashboard's default counts. */
  redirectUri?: string;
  /** From `createState()`, or the back end's own: 1 to 512 characters of printable ASCII. */
  state: string;
  /** @default "code" */
  responseType?: "code" | "none";
  /** Your own id of the owner; `null` clears the one that Smartcar keeps. */
  externalId?: string | null;
  /** @default "https://connect.smartcar.com" */
  connectOrigin?: string;
}

interface ReauthenticateBase {
  /** Where Connect sends the owner back to, exactly as registered. */
  redirectUri?: string;
  /** From `createState()`, or the back end's own: 1 to 512 characters of printable ASCII. */
  state: string;
  /** An id of the owner for Smartcar's statistics. */
  user?: string;
  /** Your own id of the owner; `null` clears the one that Smartcar keeps. */
  externalId?: string | null;
  /** @default "https://connect.smartcar.com" */
  connectOrigin?: string;
}

/** The parts of the URL that renews the access to one vehicle. */
export interface ReauthenticateVehicleOptions extends ReauthenticateBase {
  /** The application's id, a UUID. */
  applicationId: string;
  /** Smartcar's id of the vehicle. */
  vehicleId: string;
  /**
   * With `"none"` no redirect URI is needed. With either, a redirect brings `vehicle_id` and, if there is one, `external_id`.
   * @default "vehicle_id"
   */
  responseType?: "vehicle_id" | "none";
}

/** The address that Smartcar's API gives in `resolution.url` of an error, made ready to come back to this app. */
export interface ReauthenticateResolutionOptions {
  /** On the origin of Connect; any other is refused. */
  resolutionUrl: string;
  /** Where Connect sends the owner back to, exactly as registered. */
  redirectUri: string;
  /** From `createState()`, or the back end's own: 1 to 512 characters of printable ASCII. */
  state: string;
  /** @default "https://connect.smartcar.com" */
  connectOrigin?: string;
}

/** The connection that a callback has to belong to, by its `state` or the state's fingerprint. */
export type ExpectedCallback = {
  /** The one that the connection was started with. */
  redirectUri: string;
  /**
   * When it was started, in milliseconds since the Unix epoch; 10 minutes later it is `state_expired`.
   * @default now
   */
  startedAt?: number;
} & ({ state: string; fingerprint?: undefined } | { fingerprint: string; state?: undefined });
