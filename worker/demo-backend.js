// The demo's back end, such as an app has of its own: it knows who is signed in, and speaks for its users with a service key, which
// no page ever sees. For that it needs one of `SERVICE_KEYS`; without, nobody can sign in.
import worker, { ApplicationToken, Vault, WebhookInbox } from "./entry.js";
import { signIn, signOut, signedIn, ticketFor, USERS } from "./demo-backend/accounts.js";
import { entriesOf, isNight, writeDown } from "./demo-backend/logbook.js";
import { news, receive } from "./demo-backend/news.js";
import { Refused, serviceKey, speakingFor } from "./demo-backend/service.js";
import { simulate } from "./demo-backend/simulate.js";

export { ApplicationToken, Vault, WebhookInbox };

const ROUTES = {
  "GET /demo/account": async ({ user, key }) => Response.json({ users: key ? USERS : [], user }),
  "PUT /demo/account": signIn,
  "DELETE /demo/account": signOut,
  // For a page whose session at the Worker is over before its user has signed out here.
  "POST /demo/ticket": forUser(async ({ user, ask }) => Response.json({ ticket: await ticketFor(user, ask) })),
  "GET /demo/news": news,
  "POST /demo/simulate": simulate,
  "GET /demo/logbook": forUser(({ user }) => Response.json({ entries: entriesOf(user) })),
  "POST /demo/logbook": forUser(async ({ user, ask }) => {
    await writeDown(user, ask);
    return Response.json({ entries: entriesOf(user) });
  }),
};

export default {
  fetch(request, env, ctx) {
    const asked = `${request.method} ${new URL(request.url).pathname}`;
    // The Worker hands on what Smartcar's webhooks say.
    if (asked === "POST /demo/events") return receive(request, env);
    const route = ROUTES[asked];
    return route ? answer(route, request, env, ctx) : worker.fetch(request, env, ctx);
  },

  async scheduled(controller, env, ctx) {
    await worker.scheduled(controller, env, ctx);
    if (!serviceKey(env) || !isNight(controller)) return;
    const nights = USERS.map((user) => writeDown(user, speakingFor(user, "https://back-end.invalid", env, ctx)));
    // Whose cars can't be asked for tonight is asked for the next night.
    await Promise.allSettled(nights);
  },
};

async function answer(route, request, env, ctx) {
  // The cookie is sent whichever page asks: no other origin's may sign anybody in or out, or have a car read.
  if (request.headers.get("sec-fetch-site") !== "same-origin") return new Response(null, { status: 403 });
  const key = serviceKey(env);
  const user = await signedIn(request, key);
  const speaking = (user) => speakingFor(user, request.url, env, ctx);
  const response = await route({ request, env, ctx, key, user, speaking, ask: user && speaking(user) }).catch(passedOn);
  response.headers.set("cache-control", "no-store");
  return response;
}

/** What the Worker has refused to the back end, in its own words. */
function passedOn(error) {
  if (!(error instanceof Refused)) throw error;
  return new Response(error.message, { status: 502, headers: { "content-type": "application/problem+json" } });
}

function forUser(route) {
  return async (context) => (context.user ? route(context) : new Response(null, { status: 401 }));
}
