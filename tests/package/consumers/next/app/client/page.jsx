"use client";

// A component of the browser, which the build also renders on the server.
import { useEffect } from "react";
import { connections, createState, hasCallback, init } from "smartcar-connect";

export default function Page() {
  useEffect(() => {
    const isCallback = hasCallback();
    const asked = connections({ edge: "/nothing-there" }).catch(({ code }) => code);
    Promise.all([init(), asked])
      .then(([, answer]) => ({ isCallback, answer, state: createState() }))
      .catch(String)
      .then((result) => (globalThis.result = result));
  }, []);
  return <p>A page</p>;
}
