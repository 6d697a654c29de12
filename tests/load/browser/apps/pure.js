// A page with the pure functions of this package: what `@smartcar/auth` does, without the Worker.
import { authorizeUrl, checkCallback, createState, hasCallback, init } from "smartcar-connect";

import { APPLICATION_ID, CODE, REDIRECT_URI, SCOPE, asksFor, serve } from "./page.js";

const STATE = "smartcar-connect.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const ADDRESS = `${REDIRECT_URI}?code=${CODE}&state=${STATE}`;
const STARTED_AT = Date.now();

const url = () =>
  authorizeUrl({ applicationId: APPLICATION_ID, redirectUri: REDIRECT_URI, scope: SCOPE, mode: "simulated", state: createState() });
const callback = () => checkCallback(ADDRESS, { state: STATE, redirectUri: REDIRECT_URI, startedAt: STARTED_AT });
const isCallback = () => ({ kind: hasCallback(ADDRESS) ? "granted" : "none" });

const once = asksFor("recognised") ? isCallback : asksFor("callback") ? callback : url;
serve(once === isCallback ? once : () => init().then(once), once);

if (asksFor("early")) {
  const began = performance.now();
  init().then(() => (globalThis.loaded = performance.now() - began));
}
