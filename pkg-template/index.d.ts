// The package's face, behind every entry. The types of what goes in and comes out are generated with the module; what the
// module needs to be loaded is not part of the face.
import type {
  AuthorizeUrlOptions,
  Callback,
  ConnectErrorCode,
  Connection,
  EdgeOptions,
  FinishOptions,
  FinishOutcome,
  ReauthenticateVehicleOptions,
  StartOptions,
  StartResult,
  Vehicle,
} from "./connect.js";

export type {
  ApprovalPrompt,
  AuthorizeUrlOptions,
  Callback,
  ConnectErrorCode,
  ConnectFailure,
  ConnectOptions,
  Connection,
  ConnectionStatus,
  EdgeOptions,
  FinishOptions,
  FinishOutcome,
  IncompatibleVehicle,
  Mode,
  ReauthenticateVehicleOptions,
  StartOptions,
  StartResult,
  Vehicle,
} from "./connect.js";

/** The address that Smartcar's API gives in `resolution.url` of an error, made ready to come back to this app. */
export interface ReauthenticateResolutionOptions {
  resolutionUrl: string;
  /** Where Connect sends the owner back to, exactly as registered. */
  redirectUri: string;
  /** From `createState()`, or the back end's own: 1 to 512 characters of printable ASCII. */
  state: string;
  /** @default "https://connect.smartcar.com" */
  connectOrigin?: string;
}

/** The connection that a callback has to belong to. */
export type ExpectedCallback = {
  /** The one that the connection was started with. */
  redirectUri: string;
  /**
   * When it was started, in milliseconds since the Unix epoch; more than 10 minutes ago is `state_expired`.
   * @default now
   */
  startedAt?: number;
} & ({ state: string; fingerprint?: undefined } | { fingerprint: string; state?: undefined });

/** Where the WebAssembly module comes from: its address, an answer that holds it, its bytes, or the compiled module. */
export type ModuleSource = string | URL | Request | Response | BufferSource | WebAssembly.Module;

/**
 * Loads the WebAssembly module; once, however often it is called. After a failure the next call tries again.
 * In Node and in Cloudflare Workers the module is there when the import is, and this does nothing.
 *
 * @param source Left out, `connect_bg.wasm` beside the script.
 * @throws {ConnectError} `wasm_blocked` or `wasm_unavailable`
 */
export function init(source?: ModuleSource | Promise<ModuleSource>): Promise<void>;

/**
 * Starts a connection and leaves the page for Connect. Loads the module if need be.
 *
 * @throws {ConnectError}
 */
export function start(options?: StartOptions): Promise<StartResult>;

/**
 * Finishes the connection whose callback is in the page's address, which loses it before anything is sent.
 *
 * @param url The callback, if it is not the page's address.
 * @throws {ConnectError}
 */
export function finish(url?: string | URL, options?: FinishOptions): Promise<FinishOutcome>;

/** The owner's connections. @throws {ConnectError} */
export function connections(options?: EdgeOptions): Promise<Connection[]>;

/** The owner's vehicles. @throws {ConnectError} */
export function vehicles(options?: EdgeOptions): Promise<Vehicle[]>;

/**
 * Whether there is a callback of Connect's in the page's address, or in `url`. Needs `init`.
 *
 * @throws {ConnectError}
 */
export function hasCallback(url?: string | URL): boolean;

/** The URL that starts a connection, for those with a back end of their own. Needs `init`. @throws {ConnectError} */
export function authorizeUrl(options: AuthorizeUrlOptions): string;

/** The URL that renews the access to a vehicle. Needs `init`. @throws {ConnectError} */
export function reauthenticateUrl(options: ReauthenticateVehicleOptions | ReauthenticateResolutionOptions): string;

/** A fresh `state`: 32 random bytes as 43 characters of base64url. Needs `init`. @throws {ConnectError} */
export function createState(): string;

/** The fingerprint under which to keep a `state`: its SHA-256 as 43 characters. Needs `init`. @throws {ConnectError} */
export function stateFingerprint(state: string): string;

/**
 * The contents of a callback, once its `state` has proved to be the expected one. Needs `init`.
 *
 * @throws {ConnectError} `state_…` if the callback is not an answer to this connection, `callback_…` if it is none at all
 */
export function checkCallback(url: string | URL, expected: ExpectedCallback): Callback;

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
}
