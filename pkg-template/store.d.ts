// The state of a page's connections, for any framework and for none.
import type {
  CallOptions,
  Claim,
  Connect,
  Connection,
  EdgeOptions,
  FinishOutcome,
  PopupOptions,
  PopupOutcome,
  ReconnectOptions,
  ReconnectResult,
  SignOutOptions,
  StartOptions,
  StartResult,
  UnfinishedAttempt,
  Vehicle,
} from "./index.js";

/** Where the Worker is and who calls it, as `createConnect` has it, or a result of `createConnect`; and what to ask for. */
export interface ConnectStoreOptions extends EdgeOptions {
  /** A result of `createConnect`, in place of `edge`, `getToken` and `ticket`. */
  connect?: Connect;
  /**
   * Whether to ask for the connections.
   * @default true
   */
  connections?: boolean;
  /**
   * Whether to ask for the cars with their names, too: as of `vehicles`, with the permission `read_vehicle_info`.
   * @default false
   */
  vehicles?: boolean;
}

/** What there is to show. It is replaced whenever it changes, and never changed itself. */
export interface ConnectState {
  /** The owner's connections; `null` until they are known. */
  readonly connections: Connection[] | null;
  /** The owner's cars, where they are asked for; `null` until they are known. */
  readonly vehicles: Vehicle[] | null;
  /** What came of the latest attempt in this page, or of the one that Connect has sent the owner back from. */
  readonly outcome: PopupOutcome | null;
  /** What went wrong last: mostly a `ConnectError`. The next action takes it away. */
  readonly error: Error | null;
  /** What was begun in this browser and never came back. */
  readonly unfinished: UnfinishedAttempt | null;
  /** The name of the function that is under way; buttons are better disabled meanwhile. A refresh does not count. */
  readonly busy: ConnectAction | null;
}

export type ConnectAction = "start" | "popup" | "reconnect" | "finish" | "disconnect" | "disconnectAll" | "claim" | "signOut";

/** An event of a click, which the functions that take options ignore: `onClick={start}` works. */
export interface ClickEvent {
  preventDefault(): void;
}

/**
 * The functions of the package, for the owner at this page: what comes of them is in the state. They reject with nothing: after an
 * error, which is in the state too, they give `undefined`.
 */
export interface ConnectActions {
  /** The functions themselves, which reject: such as `connect.vehicle(id)`. */
  readonly connect: Connect;
  start(options?: StartOptions | ClickEvent): Promise<StartResult | undefined>;
  /** Call it in the click itself, before anything is awaited. */
  popup(options?: PopupOptions | ClickEvent): Promise<PopupOutcome | undefined>;
  reconnect(id: string, options?: ReconnectOptions): Promise<ReconnectResult | undefined>;
  /** Sends the callback again after a failure that may pass; the first time that happens by itself. */
  finish(): Promise<FinishOutcome | undefined>;
  disconnect(id: string, options?: CallOptions): Promise<void>;
  disconnectAll(options?: CallOptions | ClickEvent): Promise<void>;
  claim(options?: CallOptions | ClickEvent): Promise<Claim | undefined>;
  signOut(options?: SignOutOptions | ClickEvent): Promise<void>;
  /** Asks for the lists again. */
  refresh(): Promise<void>;
  /** The owner wants to hear no more of what is unfinished. */
  forgetAttempt(): void;
  /** Takes `outcome` and `error` away. */
  dismiss(): void;
}

export interface ConnectStore extends ConnectActions {
  /**
   * Tells of changes, until what it returns is called. The first one to subscribe has a callback finished that is in the page's address,
   * and the lists asked for; on a server nothing happens.
   */
  subscribe(listener: () => void): () => void;
  getSnapshot(): ConnectState;
  /** The state in which nothing is known, which is what a server renders. */
  getServerSnapshot(): ConnectState;
}

/**
 * The state of the owner's connections, for one Worker and one caller. Make it once for a page.
 *
 * @throws {ConnectError} `invalid_option`
 */
export function createConnectStore(options?: ConnectStoreOptions): ConnectStore;
