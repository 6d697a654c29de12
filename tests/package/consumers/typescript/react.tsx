// Compiled, never run: what users write with React has these types.
import { type ConnectActions, type ConnectState, SmartcarConnectProvider, useSmartcarConnect } from "smartcar-connect/react";
import { type Connection, ConnectError, createConnect } from "smartcar-connect";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Same<A, B>) => {};
type IsAny<T> = 0 extends 1 & T ? true : false;
same<IsAny<ReturnType<typeof useSmartcarConnect>>, false>(true);
same<IsAny<Parameters<typeof SmartcarConnectProvider>[0]>, false>(true);
same<ReturnType<typeof useSmartcarConnect>, ConnectState & ConnectActions>(true);

const connect = createConnect({ edge: "/smartcar" });

export function App() {
  return (
    <>
      <SmartcarConnectProvider connect={connect} vehicles>
        <Cars />
      </SmartcarConnectProvider>
      <SmartcarConnectProvider getToken={async () => "jwt"} key="user" />
      {/* @ts-expect-error no such option */}
      <SmartcarConnectProvider scope={[]} />
    </>
  );
}

function Cars() {
  const { connections, error, busy, start, popup, reconnect, disconnect } = useSmartcarConnect();
  same<typeof connections, Connection[] | null>(true);
  return (
    <>
      <button disabled={busy !== null} onClick={start}>
        Connect
      </button>
      <button onClick={() => popup({ scope: ["read_odometer"] })}>In a window</button>
      {connections?.map(({ id, status }) => (
        <button key={id} onClick={() => (status === "active" ? disconnect(id) : reconnect(id))} />
      ))}
      {error instanceof ConnectError && error.code === "network_error" && error.message}
      <smartcar-connect-button scope={["read_odometer"]} popup onOutcome={({ detail }) => detail.kind}>
        Connect
      </smartcar-connect-button>
      {/* @ts-expect-error no such mode */}
      <smartcar-connect-button mode="real" />
    </>
  );
}
