// The pure functions of this package.
import { APPLICATION_ID, REDIRECT_URI, SCOPE, perCall, tell, timed } from "./timed.mjs";

const calls = Number(process.argv[2]);
const began = performance.now();
const { authorizeUrl, checkCallback, createState, hasCallback } = await import("smartcar-connect");
const importMs = performance.now() - began;

const url = () =>
  authorizeUrl({ applicationId: APPLICATION_ID, redirectUri: REDIRECT_URI, scope: SCOPE, mode: "simulated", state: createState() });
const first = timed(url);
const state = new URL(first.result).searchParams.get("state");
const address = `${REDIRECT_URI}?code=0f2c1a58-2a5e-4a1c-9f67-5d8a0f3b9c11&state=${state}`;
const startedAt = Date.now();
const callback = () => checkCallback(address, { state, redirectUri: REDIRECT_URI, startedAt });
if (!hasCallback(address) || callback().kind !== "granted") throw new Error("the callback was not taken");
tell({ importMs, firstMs: first.ms, url: first.result, perCallMs: perCall(url, calls), callbackMs: perCall(callback, calls) });
