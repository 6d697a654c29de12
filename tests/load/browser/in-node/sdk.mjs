// Smartcar's SDK for back ends. It checks no callback.
import { randomUUID } from "node:crypto";

import { APPLICATION_ID, REDIRECT_URI, SCOPE, perCall, tell, timed } from "./timed.mjs";

const calls = Number(process.argv[2]);
const began = performance.now();
const { default: smartcar } = await import("smartcar");
const importMs = performance.now() - began;

const options = { clientId: APPLICATION_ID, clientSecret: "secret", redirectUri: REDIRECT_URI, mode: "simulated" };
let client;
const url = () => {
  client ??= new smartcar.AuthClient(options);
  return client.getAuthUrl(SCOPE, { state: randomUUID() });
};
const first = timed(url);
tell({ importMs, firstMs: first.ms, url: first.result, perCallMs: perCall(url, calls) });
