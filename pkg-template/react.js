"use client";
// For React 18 and newer: a provider that finishes what comes back from Connect, and a hook.
import { createElement, useContext, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { refused } from "./errors.js";
import { Context } from "./react-context.js";
import { createConnectStore } from "./store.js";

/** What says who calls. */
const CALLERS = ["getToken", "ticket"];

export function SmartcarConnectProvider({ children, ...options }) {
  const latest = useRef(options);
  const [first] = useState(options);
  const changed = CALLERS.find((name) => kindOf(options[name]) !== kindOf(first[name]));
  if (changed !== undefined) {
    const problem = `\`${changed}\` has come or gone since the provider was first rendered, and who calls would stay as it was`;
    const remedy = "give it from the start, returning nothing while nobody is logged in, or give the provider another `key`";
    throw refused(changed, `${problem}; ${remedy}`);
  }
  // Of a function that is written in the component the latest is asked, and who calls stays the same.
  const [store] = useState(() => createConnectStore(withLatest(options, latest)));
  useEffect(() => {
    latest.current = options;
  });
  // Also where nothing below uses the hook, on the page that Connect sends the owner back to.
  useEffect(() => store.subscribe(() => {}), [store]);
  return createElement(Context.Provider, { value: store }, children);
}

const kindOf = (value) => typeof (value ?? undefined);

function withLatest(options, latest) {
  const functions = CALLERS.filter((name) => typeof options[name] === "function");
  return { ...options, ...Object.fromEntries(functions.map((name) => [name, (...given) => latest.current[name]?.(...given)])) };
}

export function useSmartcarConnect() {
  const store = useContext(Context);
  if (store === null) throw new Error("`useSmartcarConnect` needs a `<SmartcarConnectProvider>` around the component that calls it");
  const { subscribe, getSnapshot, getServerSnapshot, ...actions } = store;
  const state = useSyncExternalStore(subscribe, getSnapshot, getServerSnapshot);
  return useMemo(() => ({ ...state, ...actions }), [state, store]);
}
