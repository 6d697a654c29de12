// The package's face, behind every entry. What the module needs to be loaded is not part of it.
import type { Platform } from "./platform.js";
import type {
  AuthorizeUrlOptions,
  CallOptions,
  Callback,
  Claim,
  ConnectErrorCode,
  Connection,
  EdgeOptions,
  ExpectedCallback,
  FinishOptions,
  FinishOutcome,
  PopupOptions,
  PopupOutcome,
  ReauthenticateResolutionOptions,
  ReauthenticateVehicleOptions,
  ReconnectOptions,
  ReconnectResult,
  SignOutOptions,
  StartOptions,
  StartResult,
  UnfinishedAttempt,
  Vehicle,
} from "./types.js";
import type { SmartcarError, VehicleOptions, VehicleV2, VehicleV3 } from "./vehicle.js";

export type {
  ApiVersion,
  ApprovalPrompt,
  Asked,
  AuthorizeUrlOptions,
  CallOptions,
  Callback,
  Claim,
  ConnectErrorCode,
  ConnectFailure,
  ConnectOptions,
  Connection,
  ConnectionCause,
  ConnectionStatus,
  EdgeOptions,
  ExpectedCallback,
  FinishOptions,
  FinishOutcome,
  IncompatibleVehicle,
  Mode,
  PopupOptions,
  PopupOutcome,
  ReauthenticateResolutionOptions,
  ReauthenticateVehicleOptions,
  ReconnectFlow,
  ReconnectOptions,
  ReconnectResult,
  Replaced,
  SignOutOptions,
  StartOptions,
  StartResult,
  UnfinishedAttempt,
  Vehicle,
} from "./types.js";
export type {
  BatchResponse,
  CommandAnswer,
  CommandExecution,
  PartStatus,
  RequestOptions,
  Resource,
  ResultStatus,
  ScheduleExecution,
  SignalCode,
  SignalResource,
  SmartcarError,
  SmartcarErrorType,
  SmartcarResolution,
  SmartcarV2,
  SmartcarV3,
  UnitSystem,
  VehicleAnswer,
  VehicleApi,
  VehicleOptions,
  VehicleV2,
  VehicleV3,
} from "./vehicle.js";

type CompiledModule = typeof globalThis extends { WebAssembly: { Module: { prototype: infer Instance } } } ? Instance : never;

/** An address: a string, or a `URL` where there is one. */
export type Address = string | Platform<"URL">;

/** Where the WebAssembly module comes from: its address, an answer that holds it, its bytes, or the compiled module. */
export type ModuleSource =
  | Address
  | Platform<"Request">
  | Platform<"Response">
  | ArrayBuffer
  | ArrayBufferView
  | CompiledModule;

/**
 * Loads the WebAssembly module; once, however often it is called. After a failure the next call tries again.
 *
 * `start`, `popup`, `reconnect` and `finish` load it by themselves: call this to have it, and what they need besides, before it is needed, and
 * before the functions that are not asynchronous; the others need none. In Node and in Cloudflare
 * Workers every function does, and nothing is ever fetched.
 *
 * @param source Left out, `connect_bg.wasm` beside the script, or else a script that holds it.
 * @throws {ConnectError} `wasm_blocked` or `wasm_unavailable`
 */
export function init(source?: ModuleSource | Promise<ModuleSource>): Promise<void>;

/**
 * Starts a connection and leaves the page for Connect. Loads the module if need be. A second call while the page is about to leave
 * gets what the first one does; calls with `navigate: false` have a URL each, all of which can be followed.
 *
 * @throws {ConnectError} `cookie_blocked` before it leaves, if the browser would not be recognised on the way back
 */
export function start(options?: StartOptions): Promise<StartResult>;

/**
 * Starts a connection in a window of its own, and waits for what comes of it. Call it in the click itself, before anything is awaited.
 *
 * Connect sends the owner back to `redirectUri`, a page of the same origin, in that window: there `finish` does what it always does,
 * hands over to this page, and closes the window. That works whatever the policies of the pages are. On a phone the window is a tab.
 * A `signal` ends the wait; a window that is at Connect by then stays open.
 * A second call while the window is about to go to Connect gets what the first one does.
 *
 * @throws {ConnectError} what `start` and `finish` throw
 */
export function popup(options?: PopupOptions): Promise<PopupOutcome>;

/**
 * Leaves the page for whichever page of Connect mends a connection that is `"reauthentication_required"` or
 * `"reconnection_required"`. The way back is that of `start`: `finish` takes the callback. After `"reauthenticate"` the connection
 * is the same one, and its `status` says whether all is well; after the others it is a new one, which takes the cars over.
 *
 * @param id The `id` of the connection.
 * @throws {ConnectError} `nothing_to_mend` if the owner has nothing to do, `connection_not_found` if there is no such connection
 */
export function reconnect(id: string, options?: ReconnectOptions): Promise<ReconnectResult>;

/**
 * Finishes the connection whose callback is in the page's address, which loses it before anything is sent. What Connect
 * reports is an outcome, also a refusal; an error is thrown if the callback is not to be believed, or the Worker fails.
 *
 * A page finishes a callback once: further calls for it, and those without one within ten seconds, have the same outcome. After
 * `network_error`, `unexpected_response` or a status of 429 or 503 it can be given again: keep `location.href` before the first
 * call, and pass it as `url`. In a page that was reloaded in the middle it asks the Worker what became of the attempt.
 *
 * @param url The callback, if it is not the page's address.
 * @throws {ConnectError}
 */
export function finish(url?: Address, options?: FinishOptions): Promise<FinishOutcome>;

/** The owner's connections. @throws {ConnectError} */
export function connections(options?: CallOptions): Promise<Connection[]>;

/** The owner's vehicles. @throws {ConnectError} */
export function vehicles(options?: CallOptions): Promise<Vehicle[]>;

/**
 * Ends a connection: Smartcar is told that its vehicles are disconnected, and the Worker deletes its tokens, also if Smartcar
 * can't be told. There is no way back but to connect again.
 *
 * @param id The `id` of the connection.
 * @throws {ConnectError} `connection_not_found` if the owner has no such connection, also if it has ended already
 */
export function disconnect(id: string, options?: CallOptions): Promise<void>;

/**
 * Ends all connections of the owner, as `disconnect` does, and deletes everything that the Worker keeps of the owner.
 *
 * @throws {ConnectError}
 */
export function disconnectAll(options?: CallOptions): Promise<void>;

/**
 * Requests about one car, which the Worker passes on to Smartcar with a token of the owner's: reads and commands. Needs no WebAssembly.
 * What is passed on, and with which permission, is in the documentation of the Worker; `smartcar_error` is what Smartcar refuses.
 *
 * @param id Smartcar's id of the vehicle, as `vehicles` lists it.
 */
export function vehicle(id: string, options?: VehicleOptions<"v2">): VehicleV2;
export function vehicle(id: string, options: VehicleOptions<"v3"> & { version: "v3" }): VehicleV3;

/**
 * Brings along what was connected in this browser before the user has logged in; call it before anything else when that has happened. It
 * needs `getToken` or `ticket`, by which a session of the user's is opened as well.
 *
 * @throws {ConnectError} `session_missing` if somebody else has brought it along, or it has ended
 */
export function claim(options?: CallOptions): Promise<Claim>;

/**
 * Ends the session of this browser, or with `everywhere` all sessions of the user, at the Worker too; what was begun and not finished is
 * forgotten. The cars stay connected. Call it when the user of your app logs out.
 *
 * @throws {ConnectError}
 */
export function signOut(options?: SignOutOptions): Promise<void>;

/** What `createConnect` returns: the functions of the same names, for the Worker at one place and for one caller. */
export interface Connect {
  start: typeof start;
  popup: typeof popup;
  reconnect: typeof reconnect;
  finish: typeof finish;
  connections: typeof connections;
  vehicles: typeof vehicles;
  vehicle: typeof vehicle;
  disconnect: typeof disconnect;
  disconnectAll: typeof disconnectAll;
  claim: typeof claim;
  signOut: typeof signOut;
  hasCallback: typeof hasCallback;
  unfinishedAttempt: typeof unfinishedAttempt;
  forgetAttempt: typeof forgetAttempt;
}

/**
 * The functions that call the Worker, told once where it is. What a call says itself goes first.
 *
 * @throws {ConnectError} `invalid_option`
 */
export function createConnect(options?: EdgeOptions): Connect;

/**
 * Whether there is a callback of ours in the page's address, or in `url`: its `state` was minted here, whatever has become of it.
 * Without `url` also while a `finish` is under way, or if the page was reloaded in the middle of one. Loads nothing.
 *
 * @throws {ConnectError}
 */
export function hasCallback(url?: Address): boolean;

/**
 * The latest `start` or `reconnect` in this browser, if nothing has come back of it for up to a day: the owner has gone back, has closed the
 * tab, is still at Connect in another one, or met an error page there, from which nobody is sent back. `null` once the page knows
 * what came of it. Ask when a page is loaded, is shown again (`pageshow`, `visibilitychange`), and at `storage`. Loads and sends nothing.
 *
 * @throws {ConnectError}
 */
export function unfinishedAttempt(options?: { edge?: string }): UnfinishedAttempt | null;

/**
 * The owner wants to hear no more of what is unfinished: `unfinishedAttempt` is `null` until the next `start`. If Connect sends the owner
 * back all the same, `finish` works as ever.
 *
 * @throws {ConnectError}
 */
export function forgetAttempt(options?: { edge?: string }): void;

/** The URL that starts a connection, for those with a back end of their own. In a browser it needs `init`. @throws {ConnectError} */
export function authorizeUrl(options: AuthorizeUrlOptions): string;

/** The URL that renews the access to a vehicle. In a browser it needs `init`. @throws {ConnectError} */
export function reauthenticateUrl(options: ReauthenticateVehicleOptions | ReauthenticateResolutionOptions): string;

/**
 * A fresh `state`: `smartcar-connect.` and 32 random bytes as base64url, 60 characters. In a browser it needs `init`.
 *
 * @throws {ConnectError}
 */
export function createState(): string;

/** The fingerprint under which to keep a `state`: its SHA-256 as 43 characters. In a browser it needs `init`. @throws {ConnectError} */
export function stateFingerprint(state: string): string;

/**
 * The contents of a callback, once its `state` has proved to be the expected one. In a browser it needs `init`.
 *
 * @throws {ConnectError} `state_…` if the callback is not an answer to this connection, `callback_…` if it is none at all
 */
export function checkCallback(url: Address, expected: ExpectedCallback): Callback;

/**
 * What every function throws. Two copies of the package have two classes: where that can happen, compare `code` and do not
 * use `instanceof`.
 */
export class ConnectError extends Error {
  constructor(code: ConnectErrorCode, message: string, options?: { cause?: unknown });
  readonly name: "ConnectError";
  /** What went wrong: stable, for programs. */
  readonly code: ConnectErrorCode;
  /** The argument or option at fault. */
  readonly field?: string;
  /** The status of the Worker's answer. */
  readonly status?: number;
  /** The Worker's name for the request, to find it in the logs. */
  readonly requestId?: string;
  /** After how many seconds a further attempt makes sense. */
  readonly retryAfter?: number;
  /** What Smartcar said of a request about a car, with `smartcar_error`. */
  readonly smartcar?: SmartcarError;
}
