// Compiled, never run: what users write with React has these types.
import { type ConnectActions, type ConnectState, SmartcarConnectProvider, useSmartcarConnect } from "smartcar-connect/react";
import { type Connection, ConnectError, createConnect, type PopupOutcome } from "smartcar-connect";
import type { SmartcarConnectButton as Element } from "smartcar-connect/element";
import { SmartcarConnectButton } from "smartcar-connect/react-button";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Same<A, B>) => {};
type IsAny<T> = 0 extends 1 & T ? true : false;
same<IsAny<ReturnType<typeof useSmartcarConnect>>, false>(true);
same<IsAny<Parameters<typeof SmartcarConnectProvider>[0]>, false>(true);
same<IsAny<Parameters<typeof SmartcarConnectButton>[0]>, false>(true);
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
      <SmartcarConnectButton
        className="big"
        connect={connect}
        scope={["read_odometer"]}
        edge={undefined}
        redirectUri="https://app.example/cars"
        popup
        onClick={(event) => event.clientX}
        onOutcome={({ detail }) => same<typeof detail, PopupOutcome>(true)}
        onError={(event) => (event.preventDefault(), same<typeof event.detail, Error>(true))}
        ref={(element) => same<typeof element, Element | null>(true)}
      >
        Connect <span slot="busy">One moment</span>
      </SmartcarConnectButton>
      {/* @ts-expect-error no such mode */}
      <SmartcarConnectButton mode="real" />
      {/* @ts-expect-error no such option */}
      <SmartcarConnectButton vehicles />
      <smartcar-connect-button scope="read_odometer read_vin" redirect-uri="https://app.example/cars" popup className="big">
        Connect
      </smartcar-connect-button>
      {/* @ts-expect-error no such mode */}
      <smartcar-connect-button mode="real" />
      {/* @ts-expect-error React 18 would write it with commas */}
      <smartcar-connect-button scope={["read_odometer"]} />
      {/* @ts-expect-error no attribute */}
      <smartcar-connect-button redirectUri="https://app.example/cars" />
      {/* @ts-expect-error not in React 18, and in React 19 not after the page of a server */}
      <smartcar-connect-button onOutcome={() => {}} />
      {/* @ts-expect-error no attribute either */}
      <smartcar-connect-button connect={connect} />
    </>
  );
}
