import { useEffect, useState } from "react";
import { finish, hasCallback, start } from "smartcar-connect";

export function Cars() {
  const [outcome, setOutcome] = useState("");
  useEffect(() => {
    globalThis.mounted = (globalThis.mounted ?? 0) + 1;
    if (!hasCallback()) return;
    finish().then(({ kind }) => setOutcome(kind), (error) => setOutcome(String(error)));
  }, []);
  return (
    <>
      <h1>Cars</h1>
      <button type="button" onClick={() => start()}>
        Connect your car
      </button>
      <output>{outcome}</output>
    </>
  );
}
