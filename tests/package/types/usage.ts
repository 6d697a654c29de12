// Compiled, never run: what users write has these types, exactly.
import {
  type Callback,
  type Connect,
  ConnectError,
  type ConnectErrorCode,
  type Connection,
  type CallOptions,
  type Claim,
  type EdgeOptions,
  type FinishOutcome,
  type PopupOptions,
  type PopupOutcome,
  type ReconnectOptions,
  type ReconnectResult,
  type Replaced,
  type StartResult,
  type UnfinishedAttempt,
  type Vehicle,
  authorizeUrl,
  checkCallback,
  claim,
  connections,
  createConnect,
  createState,
  disconnect,
  disconnectAll,
  finish,
  forgetAttempt,
  hasCallback,
  init,
  reauthenticateUrl,
  popup,
  reconnect,
  signOut,
  start,
  stateFingerprint,
  unfinishedAttempt,
  vehicle,
  vehicles,
} from "smartcar-connect";
import * as inline from "smartcar-connect/inline";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Same<A, B>) => {};

same<ReturnType<typeof init>, Promise<void>>(true);
same<ReturnType<typeof start>, Promise<StartResult>>(true);
same<ReturnType<typeof finish>, Promise<FinishOutcome>>(true);
same<typeof reconnect, (id: string, options?: ReconnectOptions) => Promise<ReconnectResult>>(true);
same<ReconnectResult["flow"], "reauthenticate" | "more_permissions" | "tesla_permissions" | "new_connection">(true);
same<ReturnType<typeof connections>, Promise<Connection[]>>(true);
same<ReturnType<typeof vehicles>, Promise<Vehicle[]>>(true);
same<typeof disconnect, (id: string, options?: CallOptions) => Promise<void>>(true);
same<typeof disconnectAll, (options?: CallOptions) => Promise<void>>(true);
same<typeof popup, (options?: PopupOptions) => Promise<PopupOutcome>>(true);
same<ReturnType<typeof claim>, Promise<Claim>>(true);
same<ReturnType<typeof signOut>, Promise<void>>(true);
same<CallOptions["signal"], AbortSignal | undefined>(true);
same<
  EdgeOptions["getToken"],
  ((again?: { rejectedToken?: string }) => string | null | undefined | Promise<string | null | undefined>) | undefined
>(true);
same<Connect["vehicle"], typeof vehicle>(true);
same<typeof createConnect, (options?: EdgeOptions) => Connect>(true);
same<Connect["finish"], typeof finish>(true);
same<ReturnType<typeof hasCallback>, boolean>(true);
same<typeof unfinishedAttempt, (options?: { edge?: string }) => UnfinishedAttempt | null>(true);
same<typeof forgetAttempt, (options?: { edge?: string }) => void>(true);
same<Extract<FinishOutcome, { kind: "connected" }>["replaced"], Replaced[] | undefined>(true);
same<ReturnType<typeof authorizeUrl>, string>(true);
same<ReturnType<typeof reauthenticateUrl>, string>(true);
same<ReturnType<typeof createState>, string>(true);
same<Parameters<typeof stateFingerprint>, [state: string]>(true);
same<ReturnType<typeof checkCallback>, Callback>(true);
same<typeof inline.start, typeof start>(true);
same<ConnectError["code"], ConnectErrorCode>(true);
same<Connection["status"], "active" | "degraded" | "reauthentication_required" | "reconnection_required">(true);
same<StartResult, { url: string; expiresAt: number }>(true);

/** No `any` hides anywhere: it would be the same as both of these at once. */
type IsAny<T> = 0 extends 1 & T ? true : false;
type AnyIn<T> = true extends { [K in keyof T]-?: IsAny<T[K]> }[keyof T] ? true : false;
same<AnyIn<Connection>, false>(true);
same<AnyIn<Vehicle>, false>(true);
same<IsAny<FinishOutcome>, false>(true);
same<IsAny<Callback>, false>(true);
same<IsAny<PopupOutcome>, false>(true);
same<IsAny<Parameters<typeof start>[0]>, false>(true);
same<IsAny<Parameters<typeof checkCallback>[1]>, false>(true);

export async function everyday() {
  await init();
  await init("/static/connect.wasm");
  await init(fetch("/static/connect.wasm"));
  await start();
  await start({ scope: ["required:read_odometer"], mode: "simulated", singleSelect: true, navigate: false });
  checkCallback(new URL("https://app.example/?state=s"), { state: "s", redirectUri: "https://app.example/" });
  authorizeUrl({ applicationId: "a", state: "s", externalId: null });
  reauthenticateUrl({ resolutionUrl: "https://…", redirectUri: "https://app.example/", state: "s" });

  // The outcomes are a closed union: whoever handles each of them needs no default.
  const outcome = await finish();
  switch (outcome.kind) {
    case "connected":
      return outcome.connection.vehicles.map(({ id }) => id);
    case "reauthenticated":
      return outcome.connection?.status ?? outcome.vehicleId;
    case "vehicle_incompatible":
      return outcome.vehicle?.make;
    case "configuration_error":
      return outcome.errorMessage;
    case "unknown_error":
      return outcome.error;
    case "access_denied":
    case "invalid_subscription":
    case "no_vehicles":
    case "server_error":
    case "oem_cancelled_login":
    case "user_manually_returned_to_application":
    case "user_cancelled":
      return outcome.description;
    default:
      return outcome satisfies never;
  }
}

export async function inWindow(signal: AbortSignal) {
  const { popup } = createConnect({ edge: "/smartcar", ticket: async () => "t1.…" });
  const outcome = await popup({ scope: ["read_odometer"], reconnect: "id", whenBlocked: "give_up", signal });
  switch (outcome.kind) {
    case "popup_closed":
    case "popup_expired":
    case "popup_blocked":
    case "redirected":
      return outcome.kind;
    default:
      return outcome satisfies FinishOutcome;
  }
}

export async function aboutCars(signal: AbortSignal) {
  const car = vehicle("id", { unitSystem: "imperial" });
  const odometer = await car.get("/odometer", { signal });
  same<typeof odometer.data, { distance: number }>(true);
  same<typeof odometer.dataAge, string | undefined>(true);
  await car.get("/bmw/charge/records", { query: { startDate: "2026-01-01" } });
  await car.post("/charge", { action: "START" }, { signal });
  await car.put("/ford/charge/schedule_by_location", { chargingLocation: {} }, { query: { latitude: 1, longitude: 2 } });
  await car.delete("/tesla/pin");
  // What is not documented can be asked for, and is whatever the app says.
  const unknown = await car.get("/new/thing");
  same<typeof unknown.data, unknown>(true);
  (await car.get<{ level: number }>("/new/thing")).data.level.toFixed();
  await car.post("/new/thing", { any: "body" });

  const v3 = createConnect({ getToken: () => "jwt" }).vehicle("id", { version: "v3" });
  const { data } = await v3.get("/signals/odometer-traveleddistance");
  same<typeof data.data.attributes.body, { value?: unknown; unit?: string; [name: string]: unknown } | undefined>(true);
  (await v3.get("/signals")).data.data.map(({ attributes }) => attributes.status.value === "SUCCESS");
  await v3.post("/commands/security/lock");
  await v3.post("/commands/charge/set-limit", { data: { attributes: { percent: 80 } } });
  await v3.delete("/charge-schedules/sched_1");
}

/** Each of these is refused by the compiler. */
export function refusedAboutCars() {
  const car = vehicle("id");
  // @ts-expect-error no such action
  void car.post("/charge", { action: "BEGIN" });
  // @ts-expect-error a body is missing
  void car.post("/charge");
  // @ts-expect-error no such parameter
  void car.get("/bmw/charge/records", { query: { from: "2026-01-01" } });
  // @ts-expect-error not a path
  void car.get("odometer");
  // @ts-expect-error no such version
  vehicle("id", { version: "v1" });
  // @ts-expect-error no such option
  void car.get("/odometer", { units: "metric" });
  // @ts-expect-error the window goes to Connect
  void popup({ navigate: false });
  // @ts-expect-error not a function
  createConnect({ getToken: "jwt" });
  // @ts-expect-error gives no text
  createConnect({ getToken: () => 7 });
  // @ts-expect-error not a signal
  void connections({ signal: {} });
}

/** What a failed request about a car says. */
export const wantsLogIn = (error: unknown) =>
  error instanceof ConnectError && error.code === "smartcar_error" && error.smartcar?.resolution === "REAUTHENTICATE";

export function refused() {
  // @ts-expect-error no such option
  createConnect({ scope: [] });
  // @ts-expect-error no such mode
  void start({ mode: "real" });
  // @ts-expect-error no such option
  void start({ scopes: [] });
  // @ts-expect-error not a list
  void start({ scope: "read_odometer" });
  // @ts-expect-error the state is missing
  authorizeUrl({ applicationId: "a" });
  // @ts-expect-error neither state nor fingerprint
  checkCallback("https://app.example/", { redirectUri: "https://app.example/" });
  // @ts-expect-error both state and fingerprint
  checkCallback("https://app.example/", { redirectUri: "https://app.example/", state: "s", fingerprint: "f" });
  // @ts-expect-error which one?
  void disconnect();
  // @ts-expect-error no such code
  new ConnectError("oops", "message");
  // @ts-expect-error what loads the module is not for users
  void inline.initSync;
}
