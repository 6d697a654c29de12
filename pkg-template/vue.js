// For Vue 3: a plugin that keeps the state for the app, and a composable that gives it as refs.
import { computed, inject, onMounted, onUnmounted, shallowRef } from "vue";
import { createConnectStore } from "./store.js";

const KEY = /* @__PURE__ */ Symbol("smartcar-connect");

export const smartcarConnect = {
  install(app, options) {
    app.provide(KEY, createConnectStore(options));
  },
};

export function useSmartcarConnect() {
  const store = inject(KEY, null);
  if (store === null) throw new Error("`useSmartcarConnect` needs the plugin: `createApp(App).use(smartcarConnect)`");
  const { subscribe, getSnapshot, getServerSnapshot, ...actions } = store;
  // As on the server until the component is mounted, so that it takes over what was rendered there.
  const state = shallowRef(getServerSnapshot());
  let unsubscribe;
  onMounted(() => {
    const update = () => (state.value = getSnapshot());
    unsubscribe = subscribe(update);
    update();
  });
  onUnmounted(() => unsubscribe?.());
  const names = Object.keys(state.value);
  return { ...Object.fromEntries(names.map((name) => [name, computed(() => state.value[name])])), ...actions };
}
