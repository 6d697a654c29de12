// For Svelte 4 and 5: a readable store, with the functions beside `subscribe`. In runes `fromStore` of `svelte/store` takes it.
import { createConnectStore } from "./store.js";

export function smartcarConnect(options) {
  const { subscribe, getSnapshot, getServerSnapshot, ...actions } = createConnectStore(options);
  return {
    ...actions,
    subscribe(run) {
      run(getSnapshot());
      return subscribe(() => run(getSnapshot()));
    },
  };
}
