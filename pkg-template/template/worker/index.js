// The Worker as it comes. To answer more than its routes with it:
//
//   import worker from "smartcar-connect/worker";
//   export default {
//     ...worker,
//     fetch: (request, env, ctx) =>
//       new URL(request.url).pathname.startsWith("/smartcar/") ? worker.fetch(request, env, ctx) : new Response("…"),
//   };
export { default, ApplicationToken, Vault, WebhookInbox } from "smartcar-connect/worker";
