"use client";

import { useSmartcarConnect } from "smartcar-connect/react";

export function Cars() {
  const { connections, outcome, busy, start } = useSmartcarConnect();
  return (
    <>
      <p id="known">{connections === null ? "not known yet" : `${connections.length} connections`}</p>
      <button type="button" disabled={busy !== null} onClick={start}>
        Connect your car
      </button>
      <output>{outcome?.kind}</output>
    </>
  );
}
