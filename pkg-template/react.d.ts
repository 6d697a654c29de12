// For React 18 and newer.
import type { DetailedHTMLProps, HTMLAttributes, ReactElement, ReactNode } from "react";
import type { SmartcarConnectButton } from "./element.js";
import type { ApprovalPrompt, Mode } from "./index.js";
import type { ConnectActions, ConnectState, ConnectStoreOptions } from "./store.js";

export type { ConnectActions, ConnectState } from "./store.js";

export interface SmartcarConnectProviderProps extends ConnectStoreOptions {
  children?: ReactNode;
}

/**
 * Keeps the state of the owner's connections for what is below it, and finishes a callback that is in the page's address, once.
 * `edge`, `connect`, `connections` and `vehicles` are read once. Of `getToken` and `ticket` the latest functions are asked; one that is not
 * there from the start, or goes, is refused: it gives nothing while nobody is logged in. For another user give the provider another `key`.
 *
 * @throws {ConnectError} `invalid_option`
 */
export function SmartcarConnectProvider(props: SmartcarConnectProviderProps): ReactElement;

/** The state, and the functions that change it. Needs a provider around the component. */
export function useSmartcarConnect(): ConnectState & ConnectActions;

/** What all versions of React write as attributes. The rest is set by the component of `smartcar-connect/react-button`, or by a `ref`. */
export interface SmartcarConnectButtonAttributes {
  /** With a space between. */
  scope?: string;
  flags?: string;
  mode?: Mode;
  "approval-prompt"?: ApprovalPrompt;
  make?: string;
  "single-select"?: boolean;
  "single-select-vin"?: string;
  user?: string;
  "redirect-uri"?: string;
  "application-id"?: string;
  edge?: string;
  reconnect?: string;
  popup?: boolean;
  disabled?: boolean;
  defer?: boolean;
}

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "smartcar-connect-button": DetailedHTMLProps<HTMLAttributes<SmartcarConnectButton>, SmartcarConnectButton> &
        SmartcarConnectButtonAttributes;
    }
  }
}
