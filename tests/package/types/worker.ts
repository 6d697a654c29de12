// A Worker of one's own around that of the package.
import worker, { ApplicationToken, Vault, WebhookInbox, type Env } from "smartcar-connect/worker";

export { ApplicationToken, Vault, WebhookInbox };

// The bindings as `wrangler types` has them are what the Worker takes, and so are ours.
const own: ExportedHandler<Cloudflare.Env> = {
  async fetch(request, env, ctx) {
    if (new URL(request.url).pathname === "/cars") return new Response("…");
    return worker.fetch(request, env, ctx);
  },
  scheduled: (controller, env, ctx) => worker.scheduled(controller, env, ctx),
};
export default own;

worker satisfies ExportedHandler<Env>;

const keys = (env: Env): string[] => [env.SMARTCAR_CLIENT_ID, ...(env.SERVICE_KEYS ? [env.SERVICE_KEYS] : [])];
void keys;

// @ts-expect-error A binding that is missing is noticed.
const without: Env = { SMARTCAR_CLIENT_ID: "", TOKENS: undefined };
void without;
