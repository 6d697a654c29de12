// Rendered on a server and in a page. What the buttons call waits in `calls` to be answered.
import { StrictMode, useState } from "react";
import { SmartcarConnectProvider, useSmartcarConnect } from "smartcar-connect/react";
import { SmartcarConnectButton } from "smartcar-connect/react-button";

export const calls = [];
export const told = [];

/** A result of `createConnect`, of the caller of this name. */
function connectOf(caller, hasCallback = () => false) {
  const waits = (name) => [name, (...given) => new Promise((resolve, reject) => calls.push({ caller, name, given, resolve, reject }))];
  const functions = Object.fromEntries(["start", "popup", "reconnect", "finish", "connections"].map(waits));
  return { ...functions, hasCallback, unfinishedAttempt: () => null };
}

const ada = connectOf("ada", () => location.search.includes("callback"));
const grace = connectOf("grace");
const provided = connectOf("provided");
const listed = connectOf("listed");

function List() {
  return <output>{useSmartcarConnect().connections?.length}</output>;
}

export function App() {
  const [props, setProps] = useState({ connect: ada, name: "ada" });
  globalThis.setProps = setProps;
  const { connect, name, lists, ...more } = props;
  return (
    <StrictMode>
      <SmartcarConnectButton
        id="one"
        className="big"
        hidden={false}
        connect={connect}
        redirectUri="https://app.example/cars"
        scope={["read_odometer", "read_vin"]}
        singleSelect
        popup={false}
        disabled={false}
        ref={(element) => (globalThis.element = element)}
        onOutcome={({ detail }) => told.push([name, detail.kind])}
        onError={(event) => (event.preventDefault(), told.push([name, event.detail.message]))}
        {...more}
      >
        Connect {name}
      </SmartcarConnectButton>
      <SmartcarConnectProvider connect={provided} connections={false}>
        <SmartcarConnectButton id="two">In a provider</SmartcarConnectButton>
        <SmartcarConnectButton edge="/elsewhere" defer>
          Later
        </SmartcarConnectButton>
      </SmartcarConnectProvider>
      {lists && (
        <SmartcarConnectProvider connect={listed}>
          <SmartcarConnectButton popup>In a window</SmartcarConnectButton>
          <SmartcarConnectButton connect={grace} popup>
            Of another
          </SmartcarConnectButton>
          <List />
        </SmartcarConnectProvider>
      )}
    </StrictMode>
  );
}

export const asGrace = { connect: grace, name: "grace" };
