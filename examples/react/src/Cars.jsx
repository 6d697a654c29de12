import { useSmartcarConnect } from "smartcar-connect/react";

const ASKS = { scope: ["required:read_vehicle_info", "read_odometer"] };

export function Cars() {
  const { connections, vehicles, outcome, error, unfinished, busy, start, popup, disconnect, forgetAttempt } = useSmartcarConnect();
  return (
    <>
      <h1>Your cars</h1>
      <p role="status">{outcome && (outcome.kind === "connected" ? "Connected." : `Not connected: ${outcome.kind}`)}</p>
      {error && <p role="alert">{error.message}</p>}
      {unfinished && (
        <p>
          You have begun to connect a car, and nothing came of it. <button onClick={forgetAttempt}>Never mind</button>
        </p>
      )}
      <ul>
        {connections?.map((connection) => (
          <Connection key={connection.id} {...connection} cars={vehicles} isBusy={busy !== null} onDisconnect={disconnect} />
        ))}
      </ul>
      {connections?.length === 0 && <p>No car is connected.</p>}
      <button disabled={busy !== null} onClick={() => start(ASKS)}>
        Connect your car
      </button>{" "}
      <button disabled={busy !== null} onClick={() => popup(ASKS)}>
        In a window
      </button>
    </>
  );
}

function Connection({ id, status, cars, isBusy, onDisconnect }) {
  const { reconnect } = useSmartcarConnect();
  const names = cars?.filter(({ connectionId }) => connectionId === id).map(nameOf);
  return (
    <li>
      {names?.join(", ")}{" "}
      {status.endsWith("_required") && (
        <button disabled={isBusy} onClick={() => reconnect(id, ASKS)}>
          Your car needs you
        </button>
      )}
      <button disabled={isBusy} onClick={() => onDisconnect(id)}>
        Disconnect
      </button>
    </li>
  );
}

/** Smartcar does not say all of it of every car, nor at once. */
const nameOf = ({ make, model, year }) => [make, model, year].filter(Boolean).join(" ") || "Your car";
