// Compiled, never run: a back end whose project declares nothing but the language.
import {
  type Callback,
  type FinishOutcome,
  type ModuleSource,
  ConnectError,
  authorizeUrl,
  checkCallback,
  createState,
  init,
  stateFingerprint,
} from "smartcar-connect";
import module from "smartcar-connect/connect.wasm";
import { createState as inline } from "smartcar-connect/inline";

export const url: string = authorizeUrl({ applicationId: "a", state: createState() });
export const fingerprint: string = stateFingerprint(inline());
export const compiled: unknown = module;
export const outcome = (outcome: FinishOutcome) => outcome.kind === "connected" && outcome.connection.id;

export function granted(requestUrl: string): Callback | string {
  try {
    return checkCallback(requestUrl, { fingerprint, redirectUri: "https://app.example/" });
  } catch (error) {
    return error instanceof ConnectError ? error.code : "internal";
  }
}

export const load = (source: ModuleSource) => init(source);
export const bytes = () => init(new Uint8Array());
// @ts-expect-error not an address, not bytes
export const nonsense = () => init(1);
