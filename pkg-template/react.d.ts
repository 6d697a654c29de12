// For React 18 and newer.
import type { DetailedHTMLProps, HTMLAttributes, ReactElement, ReactNode } from "react";
import type { SmartcarConnectButton, SmartcarConnectButtonAttributes } from "./element.js";
import type { ConnectActions, ConnectState, ConnectStoreOptions } from "./store.js";

export type { ConnectActions, ConnectState } from "./store.js";

export interface SmartcarConnectProviderProps extends ConnectStoreOptions {
  children?: ReactNode;
}

/**
 * Keeps the state of the owner's connections for what is below it, and finishes a callback that is in the page's address, once.
 * Where the Worker is is read once, and of `getToken` and `ticket` the latest are asked. For another user give it another `key`.
 */
export function SmartcarConnectProvider(props: SmartcarConnectProviderProps): ReactElement;

/** The state, and the functions that change it. Needs a provider around the component. */
export function useSmartcarConnect(): ConnectState & ConnectActions;

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "smartcar-connect-button": DetailedHTMLProps<HTMLAttributes<SmartcarConnectButton>, SmartcarConnectButton> &
        SmartcarConnectButtonAttributes;
    }
  }
}
