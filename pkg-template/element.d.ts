// <smartcar-connect-button>. The types need the library `dom`.
import type { ApprovalPrompt, Connect, Mode, PopupOutcome } from "./index.js";
import type { ConnectAction } from "./store.js";

/** The events of the button, beside those of every element. */
export interface SmartcarConnectButtonEventMap extends Omit<HTMLElementEventMap, "error"> {
  /** What came of it: `detail` is as of `popup` or `finish`. It bubbles. */
  outcome: CustomEvent<PopupOutcome>;
  /** What went wrong: `detail` is mostly a `ConnectError`. `preventDefault()` keeps the button from showing its own message. */
  error: CustomEvent<Error>;
}

/** The properties that can be set: what `start` takes, and what the button does. */
export interface SmartcarConnectButtonOptions {
  scope?: string[] | string;
  mode?: Mode;
  approvalPrompt?: ApprovalPrompt;
  make?: string;
  singleSelect?: boolean;
  singleSelectVin?: string;
  flags?: string[] | string;
  user?: string;
  redirectUri?: string;
  applicationId?: string;
  /** Where the Worker is. */
  edge?: string;
  /** A result of `createConnect`, in place of `edge`. */
  connect?: Connect | null;
  /** The `id` of a connection to be mended. */
  reconnect?: string;
  /** Whether Connect opens in a window of its own. */
  popup?: boolean;
  disabled?: boolean;
  /** Whether nothing happens before `connect` is set. */
  defer?: boolean;
}

/**
 * A button that connects a car. It also finishes a callback that is in the page's address. Its words are its content, that of the slot
 * `busy`, and that of the slot `error`.
 */
export declare class SmartcarConnectButton extends HTMLElement {
  /** In the attribute with a space between; a text is taken too. */
  get scope(): string[];
  set scope(value: string[] | string | null);
  get flags(): string[];
  set flags(value: string[] | string | null);
  mode: Mode | null;
  approvalPrompt: ApprovalPrompt | null;
  make: string | null;
  singleSelect: boolean;
  singleSelectVin: string | null;
  user: string | null;
  redirectUri: string | null;
  applicationId: string | null;
  edge: string | null;
  connect: Connect | null;
  reconnect: string | null;
  popup: boolean;
  disabled: boolean;
  defer: boolean;
  /** The name of the function that is under way. */
  readonly busy: ConnectAction | null;
  /** The latest outcome that this button has told. */
  readonly outcome: PopupOutcome | null;
  /** The latest error that this button has told. */
  readonly error: Error | null;
  /** Does what a click does; the events tell what comes of it. */
  start(): Promise<unknown>;
  addEventListener<Type extends keyof SmartcarConnectButtonEventMap>(
    type: Type,
    listener: (this: SmartcarConnectButton, event: SmartcarConnectButtonEventMap[Type]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions): void;
  removeEventListener<Type extends keyof SmartcarConnectButtonEventMap>(
    type: Type,
    listener: (this: SmartcarConnectButton, event: SmartcarConnectButtonEventMap[Type]) => unknown,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | EventListenerOptions): void;
}

declare global {
  interface HTMLElementTagNameMap {
    "smartcar-connect-button": SmartcarConnectButton;
  }
}
