"use client";

// In development React's StrictMode runs an effect twice.
import { useEffect } from "react";
import { finish, hasCallback, start } from "smartcar-connect";

export default function Page() {
  useEffect(() => {
    globalThis.start ??= start;
    globalThis.outcomes ??= [];
    if (!hasCallback()) return;
    finish()
      .then(({ kind }) => kind, String)
      .then((outcome) => globalThis.outcomes.push(outcome));
  }, []);
  return <p>A page</p>;
}
