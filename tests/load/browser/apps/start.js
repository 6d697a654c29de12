// A page with this package, as its README has it.
import { init, start } from "smartcar-connect";

import { SCOPE, asksFor, serve } from "./page.js";

serve(() => start({ scope: SCOPE, mode: "simulated", redirectUri: `${location.origin}/cars`, navigate: false }).then(({ url }) => url));

if (asksFor("early")) {
  const began = performance.now();
  init().then(() => (globalThis.loaded = performance.now() - began));
}
