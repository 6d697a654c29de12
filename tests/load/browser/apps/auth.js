// A page with `@smartcar/auth`.
import Smartcar from "@smartcar/auth";

import { APPLICATION_ID, CODE, REDIRECT_URI, SCOPE, asksFor, serve } from "./page.js";

let told;
const smartcar = new Smartcar({
  applicationId: APPLICATION_ID,
  redirectUri: REDIRECT_URI,
  scope: SCOPE,
  mode: "simulated",
  onComplete: (error, code, state) => (told = { kind: error ? error.name : "granted", code, state }),
});

const url = () => smartcar.getAuthUrl({ state: crypto.randomUUID() });

// What the redirect page at Smartcar's posts to the page that has opened it.
const message = () => ({
  origin: location.origin,
  data: { name: "SmartcarAuthMessage", code: CODE, state: new URL(url()).searchParams.get("state") },
});

function callback(event) {
  smartcar.messageHandler(event);
  return told;
}

if (asksFor("callback")) {
  const event = message();
  serve(() => callback(event), () => callback(event));
} else {
  serve(url, url);
}
