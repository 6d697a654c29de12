// Compiled, never run: the element and the state of a page, for those who write TypeScript.
import type { ConnectError, PopupOutcome, UnfinishedAttempt } from "smartcar-connect";
import type { SmartcarConnectButton } from "smartcar-connect/element";
import { type ConnectAction, type ConnectState, type ConnectStore, createConnectStore } from "smartcar-connect/store";
import { smartcarConnect } from "smartcar-connect/svelte";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Same<A, B>) => {};
type IsAny<T> = 0 extends 1 & T ? true : false;
type AnyIn<T> = true extends { [K in keyof T]-?: IsAny<T[K]> }[keyof T] ? true : false;
same<AnyIn<ConnectState>, false>(true);
same<AnyIn<ConnectStore>, false>(true);

const element = document.createElement("smartcar-connect-button");
same<typeof element, SmartcarConnectButton>(true);
same<AnyIn<Pick<SmartcarConnectButton, "scope" | "connect" | "outcome" | "error" | "busy">>, false>(true);
element.addEventListener("outcome", ({ detail }) => same<typeof detail, PopupOutcome>(true));
element.addEventListener("error", ({ detail }) => same<typeof detail, Error>(true));
element.addEventListener("click", (event) => event.clientX);
element.addEventListener("anything", (event) => event.type);
element.scope = ["read_odometer"];
element.scope = "read_odometer read_vin";
same<typeof element.scope, string[]>(true);
element.mode = "simulated";
element.connect = null;
same<typeof element.busy, ConnectAction | null>(true);
document.querySelector("smartcar-connect-button")?.start();

const store = createConnectStore({ getToken: async () => "jwt", vehicles: true });
const { connections, unfinished, error } = store.getSnapshot();
connections?.map(({ status }) => status === "active");
same<typeof unfinished, UnfinishedAttempt | null>(true);
export const codeOf = (error as ConnectError | null)?.code;
document.querySelector("button")?.addEventListener("click", store.start);
void store.start({ scope: ["read_odometer"] });
void store.popup({ reconnect: "id" }).then((outcome) => outcome?.kind);
void store.connect.vehicle("id").get("/odometer");

const cars = smartcarConnect({ edge: "/smartcar" });
cars.subscribe((state) => same<typeof state, ConnectState>(true))();
void cars.disconnect("id");

export function refused() {
  // @ts-expect-error no such mode
  element.mode = "real";
  // @ts-expect-error never changed from outside
  element.outcome = null;
  // @ts-expect-error no such option
  createConnectStore({ scope: [] });
  // @ts-expect-error not a list
  void store.start({ scope: "read_odometer" });
  // @ts-expect-error a state is replaced, and never changed
  store.getSnapshot().busy = null;
  // @ts-expect-error which one?
  void store.disconnect();
}
