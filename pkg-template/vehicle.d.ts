// The endpoints of Smartcar's that the Worker passes on (`docs/vehicles-api.md`), as Smartcar documents them: which paths there are, what is
// sent, and what comes back as far as that is documented. A test compares the paths with the Worker's table.
import type { ApiVersion, EdgeOptions } from "./types.js";
import type { Signal } from "./platform.js";

export type UnitSystem = "metric" | "imperial";

export interface VehicleOptions<Version extends ApiVersion = ApiVersion> extends EdgeOptions {
  /**
   * The version by which the car is connected, `apiVersion` of its connection; with the other one the Worker answers
   * `other_api_version`.
   * @default "v2"
   */
  version?: Version;
  /** @default "metric", by Smartcar */
  unitSystem?: UnitSystem;
  signal?: Signal;
}

/** Of one request. */
export interface RequestOptions<Query extends string = string> {
  query?: { [Name in Query]?: string | number | undefined };
  unitSystem?: UnitSystem;
  signal?: Signal;
}

/** What Smartcar answered. */
export interface VehicleAnswer<Data> {
  /** The body as it comes; `undefined` if there is none. */
  data: Data;
  /** Smartcar's name for the request. */
  requestId?: string;
  /** When the car said it to its maker, as Smartcar gives it: ISO 8601. */
  dataAge?: string;
  /** When Smartcar asked the maker: ISO 8601. */
  fetchedAt?: string;
  /** In which units the numbers are. */
  unitSystem?: string;
}

/** Smartcar's account of a request that it refused: names, not texts. */
export interface SmartcarError {
  /** The status of Smartcar's answer. */
  status: number;
  type: SmartcarErrorType | null;
  /** What it is about, such as `"VEHICLE"` or `"AUTHENTICATION_FAILED"`. */
  code: string | null;
  /** What mends it. After `"REAUTHENTICATE"` the connection says so too: `reconnect` it. */
  resolution: SmartcarResolution | null;
  requestId: string | null;
}

/** A name, of which those are known. */
type Named<Known extends string> = Known | (string & Record<never, never>);

export type SmartcarErrorType = Named<
  | "AUTHENTICATION"
  | "BILLING"
  | "COMPATIBILITY"
  | "CONNECTED_SERVICES_ACCOUNT"
  | "PERMISSION"
  | "RATE_LIMIT"
  | "RESOURCE_NOT_FOUND"
  | "SERVER"
  | "UPSTREAM"
  | "VALIDATION"
  | "VEHICLE_STATE"
>;

export type SmartcarResolution = Named<"RETRY_LATER" | "REAUTHENTICATE" | "CONTACT_SUPPORT" | "ACTION_REQUIRED">;

/** The endpoints of one version, by method and path. */
type Endpoints = Record<"GET" | "POST" | "PUT" | "DELETE", Record<never, never>>;

type Paths<Of> = keyof Of & string;
type AnswerOf<E> = E extends { answer: infer Answer } ? Answer : never;
type QueryOf<E> = E extends { query: infer Query extends string } ? Query : never;
/** Left out where none is documented. */
type BodyOf<E> = E extends { body: infer Body } ? [body: Body, options?: RequestOptions<QueryOf<E>>] : [body?: undefined, options?: RequestOptions<QueryOf<E>>];
/** A path that is not documented: of those that are, the types count. */
type Other<Path, Of> = Path & (Path extends keyof Of ? never : unknown);

/**
 * Requests about one car. Paths are Smartcar's, below the vehicle: `"/odometer"`, `"/"` for the vehicle itself. Other paths than the documented
 * ones can be asked for as well; what they answer is for you to say.
 */
export interface VehicleApi<Api extends Endpoints> {
  get<Path extends Paths<Api["GET"]>>(
    path: Path,
    options?: RequestOptions<QueryOf<Api["GET"][Path]>>,
  ): Promise<VehicleAnswer<AnswerOf<Api["GET"][Path]>>>;
  get<Data = unknown, Path extends `/${string}` = `/${string}`>(
    path: Other<Path, Api["GET"]>,
    options?: RequestOptions,
  ): Promise<VehicleAnswer<Data>>;

  post<Path extends Paths<Api["POST"]>>(
    path: Path,
    ...sent: BodyOf<Api["POST"][Path]>
  ): Promise<VehicleAnswer<AnswerOf<Api["POST"][Path]>>>;
  post<Data = unknown, Path extends `/${string}` = `/${string}`>(
    path: Other<Path, Api["POST"]>,
    body?: unknown,
    options?: RequestOptions,
  ): Promise<VehicleAnswer<Data>>;

  put<Path extends Paths<Api["PUT"]>>(
    path: Path,
    ...sent: BodyOf<Api["PUT"][Path]>
  ): Promise<VehicleAnswer<AnswerOf<Api["PUT"][Path]>>>;
  put<Data = unknown, Path extends `/${string}` = `/${string}`>(
    path: Other<Path, Api["PUT"]>,
    body?: unknown,
    options?: RequestOptions,
  ): Promise<VehicleAnswer<Data>>;

  delete<Path extends Paths<Api["DELETE"]>>(
    path: Path,
    options?: RequestOptions<QueryOf<Api["DELETE"][Path]>>,
  ): Promise<VehicleAnswer<AnswerOf<Api["DELETE"][Path]>>>;
  delete<Data = unknown, Path extends `/${string}` = `/${string}`>(
    path: Other<Path, Api["DELETE"]>,
    options?: RequestOptions,
  ): Promise<VehicleAnswer<Data>>;
}

export type VehicleV2 = VehicleApi<SmartcarV2>;
export type VehicleV3 = VehicleApi<SmartcarV3>;

/** An answer that is documented, but not what is in it. */
type Some = Record<string, unknown>;

/** What a command of v2 answers. */
export interface CommandAnswer {
  status: Named<"success">;
  message?: string;
}

/** A part of a car and how it is, such as a door. */
export interface PartStatus {
  type: string;
  status: string;
}

/** One path of a batch, and what it was answered. */
export interface BatchResponse {
  path: string;
  code: number;
  headers?: Record<string, string | null>;
  body: unknown;
}

/** The endpoints of v2.0. */
export interface SmartcarV2 {
  GET: {
    "/": { answer: { id: string; make: string; model: string; year: number } };
    "/permissions": { answer: { permissions: string[]; paging?: { count: number; offset: number } }; query: "limit" | "offset" };
    "/vin": { answer: { vin: string } };
    "/odometer": { answer: { distance: number } };
    "/location": { answer: { latitude: number; longitude: number } };
    "/fuel": { answer: { percentRemaining: number | null; amountRemaining: number | null; range: number | null } };
    "/engine/oil": { answer: { lifeRemaining: number | null } };
    "/tires/pressure": { answer: { frontLeft: number; frontRight: number; backLeft: number; backRight: number } };
    "/battery": { answer: { percentRemaining: number | null; range: number | null } };
    "/battery/capacity": { answer: { capacity: number | null } };
    "/battery/nominal_capacity": {
      /** The Worker leaves Smartcar's link out: it would carry a token of the owner's. */
      answer: { availableCapacities: { capacity: number; description?: string | null }[]; capacity: Some | null; url: null };
    };
    "/charge": { answer: { isPluggedIn: boolean; state: Named<"CHARGING" | "FULLY_CHARGED" | "NOT_CHARGING"> } };
    "/charge/limit": { answer: { limit: number } };
    "/security": {
      answer: {
        isLocked: boolean;
        doors?: PartStatus[];
        windows?: PartStatus[];
        sunroof?: PartStatus[];
        storage?: PartStatus[];
        chargingPort?: PartStatus[];
      };
    };
    "/service/history": { answer: Some[]; query: "start_date" | "end_date" };
    "/diagnostics/system_status": { answer: { systems: { systemId: string; status: string; description: string | null }[] } };
    "/diagnostics/dtcs": { answer: { activeCodes: { code: string; timestamp: string | null }[] } };
    "/audi/charge": { answer: Some };
    "/nissan/charge/schedule": { answer: Some };
    "/tesla/charge/records": { answer: Some };
    "/tesla/charge/records/billing": { answer: Some; query: "startDate" | "endDate" | "page" };
  } & Record<`/${"bmw" | "mini"}/charge/records`, { answer: Some; query: "startDate" | "endDate" }> &
    Record<`/${"ford" | "lincoln"}/charge/schedule_by_location`, { answer: Some }> &
    Record<`/${"cadillac" | "chevrolet"}/charge/${"completion" | "voltmeter"}`, { answer: Some }> &
    Record<
      `/tesla/${
        | "alerts"
        | "attributes"
        | "battery"
        | "charge"
        | `charge/${"ammeter" | "completion" | "schedule" | "voltmeter" | "wattmeter"}`
        | `climate/${"cabin" | "defroster" | "steering_wheel"}`
        | "compass"
        | "migration"
        | "speedometer"
        | "status"
        | `thermometer/${"exterior" | "interior"}`
        | `user/${"access" | "info"}`
        | "virtual_key"}`,
      { answer: Some }
    >;
  POST: {
    /** Up to 50 paths that are read at once; Smartcar counts each as a request. */
    "/batch": { answer: { responses: BatchResponse[] }; body: { requests: { path: Paths<SmartcarV2["GET"]> | `/${string}` }[] } };
    "/charge": { answer: CommandAnswer; body: { action: "START" | "STOP" } };
    "/charge/limit": { answer: CommandAnswer; body: { limit: number } };
    "/security": { answer: CommandAnswer; body: { action: "LOCK" | "UNLOCK" } };
    "/navigation/destination": { answer: CommandAnswer; body: { latitude: number; longitude: number } };
    "/tesla/charge/ammeter": { answer: Some; body: { amperage: number } };
    "/tesla/charge/charge_port_door": { answer: Some; body: { action: "OPEN" | "CLOSE" } };
    "/tesla/charge/schedule": { answer: Some; body: { type: "START_TIME" | "DEPARTURE_TIME"; enable: boolean; time: string } };
    "/tesla/climate/cabin": { answer: Some; body: { action: "START" | "STOP" | "SET"; temperature?: number } };
    "/tesla/pin": { answer: Some; body: { pin: string } };
  } & Record<`/tesla/climate/${"defroster" | "steering_wheel"}`, { answer: Some; body: { action: "START" | "STOP" } }> &
    Record<`/tesla/security/${"frunk" | "trunk"}`, { answer: Some; body: { action: "OPEN" | "CLOSE" } }>;
  PUT: {
    "/nissan/charge/schedule": { answer: Some; body: { chargeSchedules: { start: string; end: string; days: string[] }[] } };
  } & Record<
    `/${"ford" | "lincoln"}/charge/schedule_by_location`,
    {
      answer: Some;
      body: {
        chargingLocation: {
          chargeLimit?: number;
          chargingWindows?: { weekday?: { start: string; end: string }[]; weekend?: { start: string; end: string }[] };
        };
      };
      query: "latitude" | "longitude";
    }
  >;
  DELETE: {
    "/tesla/pin": { answer: Some | undefined };
  };
}

/** One resource of v3, as JSON:API has it. */
export interface Resource<Type extends string, Attributes> {
  id: string;
  type: Type;
  attributes: Attributes;
  meta?: Some;
  links?: Record<string, string>;
}

/** Whether a signal could be read, or a command was carried out: a success of the request may be a failure inside. */
export interface ResultStatus {
  value: Named<"SUCCESS" | "ERROR">;
  error?: { type?: SmartcarErrorType; code?: string | null; title?: string; detail?: string };
}

/** A signal of a car. What is in `body` follows from the signal. */
export type SignalResource = Resource<
  "signal",
  {
    code: string;
    name?: string;
    group?: string;
    status: ResultStatus;
    body?: { value?: unknown; unit?: string; [name: string]: unknown };
  }
> & { meta?: { ingestedAt?: string; retrievedAt?: string; oemUpdatedAt?: string } };

/** What came of a command, or comes of it: after 202 the same answer brings it minutes later. */
export type CommandExecution = Resource<
  "command-execution",
  { commandType: string; status: ResultStatus; executionMode?: string; parameters?: Some }
>;

export type ScheduleExecution = Resource<
  "charge-schedule-execution",
  { action?: string; scheduleType?: string; status: ResultStatus; executionMode?: string; scheduleId?: string; parameters?: Some }
>;

/** An answer of v3: the data, or errors inside a success. */
interface DocumentOf<Data> {
  data: Data;
  errors?: { type?: SmartcarErrorType; code?: string | null; status?: string; title?: string; detail?: string }[];
}

interface Place {
  latitude: number;
  longitude: number;
}
interface Hours {
  startTime: string;
  stopTime: string;
}
type Weekday = "monday" | "tuesday" | "wednesday" | "thursday" | "friday" | "saturday" | "sunday";

/** The body of a command of v3. */
interface Attributes<Of> {
  data: { attributes: Of };
}

/** The endpoints of v3. */
export interface SmartcarV3 {
  GET: {
    "/": {
      answer: DocumentOf<
        Resource<"vehicle", { make: string; model: string; year: number; powertrainType?: string; mode?: Named<"live" | "simulated"> }>
      >;
    };
    "/signals": { answer: DocumentOf<SignalResource[]> };
  } & { [Path in `/signals/${SignalCode}`]: { answer: DocumentOf<SignalResource> } } & {
    [path: `/signals/${string}`]: { answer: DocumentOf<SignalResource> };
  };
  POST: {
    "/commands/charge/set-limit": { answer: DocumentOf<CommandExecution>; body: Attributes<{ percent: number }> };
    "/commands/navigation/set-destination": { answer: DocumentOf<CommandExecution>; body: Attributes<Place> };
    "/charge-schedules/daily": { answer: DocumentOf<ScheduleExecution>; body: Attributes<{ location: Place } & Hours> };
    "/charge-schedules/weekly": {
      answer: DocumentOf<ScheduleExecution>;
      body: Attributes<{ location: Place; days: { [Day in Weekday]?: Hours } }>;
    };
    "/charge-schedules/workweek": {
      answer: DocumentOf<ScheduleExecution>;
      body: Attributes<{ location: Place; weekdays?: Hours; weekends?: Hours }>;
    };
  } & Record<
    `/commands/${`charge/${"start" | "stop"}` | `charge-port/${"open" | "close"}` | `security/${"lock" | "unlock"}`}`,
    { answer: DocumentOf<CommandExecution> }
  >;
  PUT: Record<never, never>;
  DELETE: {
    [path: `/charge-schedules/${string}`]: { answer: DocumentOf<ScheduleExecution> | undefined };
  };
}

/** The signals that Smartcar documents. Others can be asked for as well. */
export type SignalCode =
  | "charge-amperage"
  | "charge-amperagemax"
  | "charge-amperagerequested"
  | "charge-chargelimits"
  | "charge-chargeportstatuscolor"
  | "charge-chargerate"
  | "charge-chargerecords"
  | "charge-chargerphases"
  | "charge-chargetimers"
  | "charge-chargingconnectortype"
  | "charge-detailedchargingstatus"
  | "charge-energyadded"
  | "charge-fastchargertype"
  | "charge-ischarging"
  | "charge-ischargingcableconnected"
  | "charge-ischargingcablelatched"
  | "charge-ischargingportflapopen"
  | "charge-isfastchargerpresent"
  | "charge-timetocomplete"
  | "charge-voltage"
  | "charge-wattage"
  | "climate-externaltemperature"
  | "climate-internaltemperature"
  | "closure-doors"
  | "closure-enginecover"
  | "closure-fronttrunk"
  | "closure-islocked"
  | "closure-reartrunk"
  | "closure-sunroof"
  | "closure-tailgate"
  | "closure-windows"
  | "connectivitysoftware-currentfirmwareversion"
  | "connectivitystatus-isasleep"
  | "connectivitystatus-isdigitalkeypaired"
  | "connectivitystatus-isonline"
  | "diagnostics-abs"
  | "diagnostics-activesafety"
  | "diagnostics-airbag"
  | "diagnostics-brakefluid"
  | "diagnostics-driverassistance"
  | "diagnostics-dtccount"
  | "diagnostics-dtclist"
  | "diagnostics-emissions"
  | "diagnostics-evbatteryconditioning"
  | "diagnostics-evcharging"
  | "diagnostics-evdriveunit"
  | "diagnostics-evhvbattery"
  | "diagnostics-lighting"
  | "diagnostics-mil"
  | "diagnostics-oillife"
  | "diagnostics-oilpressure"
  | "diagnostics-oiltemperature"
  | "diagnostics-telematics"
  | "diagnostics-tirepressure"
  | "diagnostics-tirepressuremonitoring"
  | "diagnostics-transmission"
  | "diagnostics-washerfluid"
  | "diagnostics-waterinfuel"
  | "hvac-cabintargettemperature"
  | "hvac-iscabinhvacactive"
  | "hvac-isfrontdefrosteractive"
  | "hvac-isreardefrosteractive"
  | "hvac-issteeringheateractive"
  | "internalcombustionengine-amountremaining"
  | "internalcombustionengine-fuellevel"
  | "internalcombustionengine-oillife"
  | "internalcombustionengine-range"
  | "location-isathome"
  | "location-preciselocation"
  | "lowvoltagebattery-stateofcharge"
  | "lowvoltagebattery-status"
  | "motion-currentspeed"
  | "odometer-traveleddistance"
  | "service-isinservice"
  | "service-records"
  | "surveillance-brand"
  | "surveillance-isenabled"
  | "tractionbattery-isheateractive"
  | "tractionbattery-maxrangechargecounter"
  | "tractionbattery-nominalcapacity"
  | "tractionbattery-range"
  | "tractionbattery-stateofcharge"
  | "transmission-drivemode"
  | "transmission-gearstate"
  | "vehicleidentification-exteriorcolor"
  | "vehicleidentification-nickname"
  | "vehicleidentification-packages"
  | "vehicleidentification-trim"
  | "vehicleidentification-vin"
  | "vehicleuseraccount-permissions"
  | "vehicleuseraccount-role"
  | "wheel-style"
  | "wheel-tires";
