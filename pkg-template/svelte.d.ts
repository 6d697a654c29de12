// For Svelte 4 and 5. It needs nothing of Svelte: its stores are whatever has such a `subscribe`.
import type { ConnectActions, ConnectState, ConnectStoreOptions } from "./store.js";

export type { ConnectActions, ConnectState } from "./store.js";

export interface SmartcarConnectStore extends ConnectActions {
  /** Calls `run` with the state, now and whenever it changes. */
  subscribe(run: (state: ConnectState) => void): () => void;
}

/**
 * A readable store of the owner's connections, with the functions that change them. Make it once, in a module of its own; a server may
 * share it, since nothing changes there. The first component to subscribe has a callback finished that is in the page's address.
 */
export function smartcarConnect(options?: ConnectStoreOptions): SmartcarConnectStore;
