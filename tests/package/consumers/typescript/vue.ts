// Compiled, never run: what users write with Vue has these types.
import { type ComputedRef, createApp } from "vue";
import { smartcarConnect, useSmartcarConnect } from "smartcar-connect/vue";
import type { Connection, PopupOutcome } from "smartcar-connect";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Same<A, B>) => {};

createApp({}).use(smartcarConnect).use(smartcarConnect, { edge: "/smartcar", vehicles: true });
// @ts-expect-error no such option
smartcarConnect.install(createApp({}), { scope: [] });

const { connections, outcome, start, disconnect } = useSmartcarConnect();
same<typeof connections, ComputedRef<Connection[] | null>>(true);
same<typeof outcome, ComputedRef<PopupOutcome | null>>(true);
void start({ scope: ["read_odometer"] });
void disconnect(connections.value?.[0]?.id ?? "");
// @ts-expect-error for reading
outcome.value = null;
