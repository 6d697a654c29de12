"use client";
// For React 18 and newer: a provider that finishes what comes back from Connect, and a hook.
import { createContext, createElement, useContext, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { createConnectStore } from "./store.js";

const Context = /* @__PURE__ */ createContext(null);

export function SmartcarConnectProvider({ children, ...options }) {
  const latest = useRef(options);
  // Of a function that is written in the component the latest is asked, and who calls stays the same.
  const [store] = useState(() => createConnectStore(withLatest(options, latest)));
  useEffect(() => {
    latest.current = options;
  });
  // Also where nothing below uses the hook, on the page that Connect sends the owner back to.
  useEffect(() => store.subscribe(() => {}), [store]);
  return createElement(Context.Provider, { value: store }, children);
}

function withLatest(options, latest) {
  const functions = ["getToken", "ticket"].filter((name) => typeof options[name] === "function");
  return { ...options, ...Object.fromEntries(functions.map((name) => [name, () => latest.current[name]?.()])) };
}

export function useSmartcarConnect() {
  const store = useContext(Context);
  if (store === null) throw new Error("`useSmartcarConnect` needs a `<SmartcarConnectProvider>` around the component that calls it");
  const { subscribe, getSnapshot, getServerSnapshot, ...actions } = store;
  const state = useSyncExternalStore(subscribe, getSnapshot, getServerSnapshot);
  return useMemo(() => ({ ...state, ...actions }), [state, store]);
}
