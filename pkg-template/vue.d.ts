// For Vue 3.
import type { App, ComputedRef } from "vue";
import type { ConnectActions, ConnectState, ConnectStoreOptions } from "./store.js";

export type { ConnectActions, ConnectState } from "./store.js";

/** The plugin: `createApp(App).use(smartcarConnect, options)`. It keeps the state of the owner's connections for the app. */
export declare const smartcarConnect: { install(app: App, options?: ConnectStoreOptions): void };

/**
 * The state as refs, and the functions that change it; in `setup`. The first component that uses it has a callback finished that is in
 * the page's address: use it on the page that Connect sends the owner back to.
 */
export function useSmartcarConnect(): { readonly [Name in keyof ConnectState]: ComputedRef<ConnectState[Name]> } & ConnectActions;
