// Compiled, never run: what users write with Svelte has these types.
import { type Readable, derived, fromStore, get } from "svelte/store";
import { type ConnectState, smartcarConnect } from "smartcar-connect/svelte";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Same<A, B>) => {};

const cars = smartcarConnect({ vehicles: true });
export const readable: Readable<ConnectState> = cars;
export const count = derived(cars, ({ connections }) => connections?.length ?? 0);
const state = get(cars);
same<typeof state, ConnectState>(true);
same<ReturnType<typeof fromStore<ConnectState>>["current"], ConnectState>(true);
export const rune = fromStore(cars).current.busy;
void cars.start({ scope: ["read_odometer"] });
