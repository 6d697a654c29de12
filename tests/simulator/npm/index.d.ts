/** What a simulator is started with; each has a default, which `configuration` tells. */
export interface SimulatorOptions {
  /** The port to listen at; any free one unless it is given. */
  port?: number;
  /** The application's id: that of the default configuration unless it is given. */
  clientId?: string;
  clientSecret?: string;
  /** The registered redirect URIs. */
  redirectUris?: string | readonly string[];
  /** Where webhooks are sent; none are without. */
  webhookUrl?: string;
  /** What signs webhooks. */
  managementToken?: string;
  /** A file in which grants and tokens are kept from one start to the next. */
  stateFile?: string;
  /** A line on standard error for each request. */
  verbose?: boolean;
}

/** A request that the simulator was sent. */
export interface RecordedRequest {
  /** When it came, by the simulator's clock. */
  at: number;
  /** What it was for, such as `exchange`, `refresh`, `odometer`. */
  endpoint: string;
  method: string;
  path: string;
  query: string;
  headers: Record<string, string>;
  body: string;
  /** The fields of a form, in their order. */
  form: [name: string, value: string][] | null;
  /** `null` while it is being worked on, and where the connection was ended without an answer. */
  status: number | null;
  fault: string | null;
}

/** What goes wrong with the next requests. The README of the simulator describes each kind. */
export interface Fault {
  /** What it hits, such as `exchange`, `refresh`, `vehicles`, or `*`. */
  endpoint: string;
  kind:
    | "reset_before"
    | "reset_after"
    | "close"
    | "slow_headers"
    | "slow_body"
    | "truncated"
    | "status"
    | "api_error"
    | "command_failed"
    | "streamed"
    | "wrong_types"
    | "expires_in"
    | "oversized"
    | "redirect"
    | "not_json"
    | "garbage";
  /** How many requests it hits; 1 unless it is given, `null` for all. */
  times?: number | null;
  /** How many it spares before. */
  skip?: number;
  /** Whether what was asked for takes place. */
  commit?: boolean;
  ms?: number;
  status?: number;
  body?: unknown;
  headers?: Record<string, string>;
  error?: string;
  how?: "length" | "json";
  inside?: "errors" | "status";
  value?: unknown;
  location?: string;
}

/** A consent without Connect's pages. */
export interface Grant {
  /** The owner's e-mail address. */
  user?: string;
  vehicles?: readonly string[];
  scopes?: readonly string[];
  redirectUri?: string;
  externalId?: string;
  mode?: "live" | "simulated";
}

/** A running simulator. */
export interface Simulator {
  /** Where it is, in place of each of Smartcar's hosts. */
  readonly origin: string;
  readonly port: number;
  /** Back to how it was started. */
  reset(): Promise<void>;
  /** Everything that it was asked, `/_control` aside. */
  requests(): Promise<RecordedRequest[]>;
  /** How often each endpoint was asked, and what came of it. */
  counts(): Promise<Record<string, number>>;
  /** Every code, token, secret and VIN that it ever gave out: none of them may show in a log. */
  secrets(): Promise<string[]>;
  tokens(): Promise<unknown>;
  /** What version 3 lists of connections. */
  connections(): Promise<Record<string, unknown>[]>;
  configuration(): Promise<Record<string, unknown>>;
  /** Changes the settings that are named: lifetimes, latency, vehicles, those of version 3. */
  configure(changes: Record<string, unknown>): Promise<void>;
  /** Moves its clock: tokens expire, webhooks are late. */
  advance(ms: number): Promise<void>;
  /** The time by its clock, in milliseconds. */
  now(): Promise<number>;
  fault(fault: Fault): Promise<void>;
  /** Those that are not used up. */
  faults(): Promise<Fault[]>;
  clearFaults(): Promise<void>;
  /** An owner's consent without the pages: the code as the redirect would carry it. */
  grant(grant?: Grant): Promise<{ code: string; redirectUri: string; userId: string }>;
  /** What becomes of a car: its maker wants a log-in, or it has no signals, or it is asked too often. */
  setVehicle(
    id: string,
    changes: { needsReauthentication?: boolean; noSignals?: boolean; throttledMs?: number },
  ): Promise<void>;
  /** Every owner of the car ends the access to it at Smartcar. */
  disconnectVehicle(id: string): Promise<void>;
  /** Smartcar accepts none of the application's tokens any more. */
  revokeApplicationTokens(): Promise<void>;
  /** Anything else below `/_control`. */
  control(method: string, path: string, body?: unknown): Promise<unknown>;
  stop(): Promise<void>;
}

/** Starts a simulator in this process. Several may run at once, and know nothing of each other. */
export declare function startSimulator(options?: SimulatorOptions): Promise<Simulator>;
