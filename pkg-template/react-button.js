"use client";
// <smartcar-connect-button> for React 18 and newer. React alone hands properties and listeners over in some versions, and not after
// the page of a server; here they are set once the element is there.
import { createElement, forwardRef, useContext, useEffect, useImperativeHandle, useLayoutEffect, useRef } from "react";
import { SmartcarConnectButton as Element } from "./element.js";
import { Context } from "./react-context.js";

/** The properties that are attributes as well. */
const OPTIONS = /* @__PURE__ */ Object.keys(Element.prototype);
const OWN = [...OPTIONS, "connect", "onOutcome", "onError", "className"];

/** On a server React 18 warns of the one that a page needs. */
const useSetting = typeof window === "object" ? useLayoutEffect : useEffect;

export const SmartcarConnectButton = /* @__PURE__ */ forwardRef(function SmartcarConnectButton(props, ref) {
  const provider = useContext(Context);
  const element = useRef(null);
  const latest = useRef({ props, provider });
  useImperativeHandle(ref, () => element.current, []);

  // They listen before anything can be told.
  useSetting(() => {
    const { current } = element;
    const outcome = (event) => {
      const { props, provider } = latest.current;
      // Of what comes back to the page itself the provider knows.
      if (props.popup) provider?.refresh();
      props.onOutcome?.(event);
    };
    const error = (event) => latest.current.props.onError?.(event);
    current.addEventListener("outcome", outcome);
    current.addEventListener("error", error);
    return () => {
      current.removeEventListener("outcome", outcome);
      current.removeEventListener("error", error);
    };
  }, []);

  useSetting(() => {
    const { connect, edge, defer } = props;
    const provided = (connect ?? edge) === undefined ? provider : null;
    latest.current = { props, provider: provided };
    const { current } = element;
    for (const name of OPTIONS) if (name !== "defer") current[name] = props[name];
    current.connect = connect ?? provided?.connect;
    // Last: nothing is to happen before it is known who calls.
    current.defer = defer;
  });

  const others = Object.fromEntries(Object.entries(props).filter(([name]) => !OWN.includes(name)));
  // React 18 would write `classname` and `hidden="false"`.
  const attributes = { ...others, class: props.className, hidden: props.hidden || undefined };
  return createElement("smartcar-connect-button", { ...attributes, defer: true, ref: element });
});
