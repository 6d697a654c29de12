// Components of the server, which import the provider: what it takes is data.
import { SmartcarConnectProvider } from "smartcar-connect/react";

import { Cars } from "./cars.jsx";

export default function Page() {
  return (
    <SmartcarConnectProvider edge="/smartcar">
      <Cars />
    </SmartcarConnectProvider>
  );
}
