// What the reader of a JavaScript block brings along: it is declared for every block that does not declare it itself.
import type * as Package from "smartcar-connect";

declare global {
  // The functions of the package, where a block goes on from one that imports them.
  const authorizeUrl: typeof Package.authorizeUrl;
  const checkCallback: typeof Package.checkCallback;
  const createConnect: typeof Package.createConnect;
  const createState: typeof Package.createState;
  const finish: typeof Package.finish;
  const hasCallback: typeof Package.hasCallback;
  const init: typeof Package.init;
  const popup: typeof Package.popup;
  const reconnect: typeof Package.reconnect;
  const start: typeof Package.start;
  const stateFingerprint: typeof Package.stateFingerprint;
  const unfinishedAttempt: typeof Package.unfinishedAttempt;
  const vehicle: typeof Package.vehicle;
  const vehicles: typeof Package.vehicles;

  // The app's page.
  const banner: HTMLElement;
  const button: HTMLButtonElement;
  const show: (error: Error) => void;
  const showCars: () => Promise<void>;
  const offerAgain: (again: () => Promise<Package.FinishOutcome>) => void;
  const askToStartAgain: () => void;
  /** The log-in of the app. */
  const auth: { getAccessToken(options?: { forceRefresh: boolean }): Promise<string> };
  /** Of a connection or a car of `connections()` and `vehicles()`. */
  const id: string;
  const status: Package.ConnectionStatus;
  /** What the back end was given for its user. */
  const ticket: string;

  // The app's back end.
  const applicationId: string;
  const redirectUri: string;
  const requestUrl: string;
  const fingerprint: string;
  const startedAt: number;
  const vehicleId: string;
  const request: Request;
  const exchange: (code: string) => void;
  /** Of a state with the visitor's session, or of a webhook's message. */
  const keep: (...what: (string | number | object)[]) => Promise<void>;
  /** A server with Express, and its middleware. */
  const app: { use(handler: object): void };
  const helmet: (options: object) => object;
  /** A Worker of the app's own, bound to this one. */
  const env: { SMARTCAR: { fetch: typeof fetch }; SERVICE_KEY: string };

  // Of Cloudflare's platform, as far as the declarations of the Worker name it.
  interface KVNamespace {}
  interface DurableObjectNamespace<T> {
    get(id: string): T;
  }
  interface Queue {}
  interface RateLimit {}
  interface AnalyticsEngineDataset {}
  interface ExecutionContext {}
  interface ScheduledController {}
}
