// The Worker, as its own script hands it on, and as a Worker of your own can wrap it. The types of the platform are those that
// `wrangler types` writes, or those of `@cloudflare/workers-types`.
import { DurableObject } from "cloudflare:workers";

/**
 * What the Worker is given: its bindings, variables and secrets. Each is described in
 * https://github.com/smartcar-connect/smartcar-connect/blob/main/docs/configuration.md
 *
 * Secrets are optional here, also where the Worker needs them: `wrangler types` knows those in `.dev.vars` alone.
 */
export interface Env {
  /** The application's id, a UUID. */
  SMARTCAR_CLIENT_ID: string;
  SMARTCAR_CLIENT_SECRET?: string;
  SMARTCAR_API_VERSION?: "v2" | "v3";
  SMARTCAR_API_CLIENT_ID?: string;
  SMARTCAR_API_CLIENT_SECRET?: string;
  SMARTCAR_MIGRATION?: "dry_run" | "move" | "reverse" | "finish";
  SEALING_KEYS?: string;
  SERVICE_KEYS?: string;
  ALLOWED_ORIGINS?: string | string[];
  PATH_PREFIX?: string;
  TOKEN_ENDPOINT_AUTH_METHOD?: "client_secret_post" | "client_secret_basic";
  SESSION_DAYS?: number | string;
  SESSION_MAX_DAYS?: number | string;
  TICKET_SECONDS?: number | string;
  RETENTION_DAYS?: number | string;
  REFRESH_GRACE_SECONDS?: number | string;
  JWT_ISSUER?: string;
  JWT_AUDIENCE?: string | string[];
  JWT_AUTHORIZED_PARTY?: string | string[];
  JWT_JWKS_URL?: string;
  JWT_KEYS?: string;
  JWT_SECRET?: string;
  JWT_ALGORITHMS?: string | string[];
  JWT_TYP?: string;
  JWT_COOKIE?: string;
  API_TIMEOUT_SECONDS?: number | string;
  API_ALLOW?: string | string[];
  SMARTCAR_MANAGEMENT_TOKEN?: string;
  WEBHOOK_FORWARD_URL?: string;
  WEBHOOK_FORWARD_SECRET?: string;
  ROTATION_BATCH?: number | string;
  SMARTCAR_CONNECT_ORIGIN?: string;
  SMARTCAR_AUTH_ORIGIN?: string;
  SMARTCAR_API_ORIGIN?: string;
  SMARTCAR_IAM_ORIGIN?: string;
  SMARTCAR_VEHICLE_ORIGIN?: string;
  TOKENS: KVNamespace;
  VAULT: DurableObjectNamespace<Vault>;
  APPLICATION_TOKEN?: DurableObjectNamespace<ApplicationToken>;
  WEBHOOK_INBOX?: DurableObjectNamespace<WebhookInbox>;
  WEBHOOK_QUEUE?: Queue;
  START_LIMIT?: RateLimit;
  FINISH_LIMIT?: RateLimit;
  API_LIMIT?: RateLimit;
  METRICS?: AnalyticsEngineDataset;
}

/**
 * Export it from your own script, for the binding `VAULT`: one object per owner, the only writer of that owner's tokens. What
 * it can be asked is between it and the Worker.
 */
export declare class Vault extends DurableObject<Env> {}

/** Export it from your own script, for the binding `APPLICATION_TOKEN`: it has the application's own token, for Smartcar's v3. */
export declare class ApplicationToken extends DurableObject<Env> {}

/** Export it from your own script, for the binding `WEBHOOK_INBOX`: it keeps webhooks until the app has them. */
export declare class WebhookInbox extends DurableObject<Env> {}

/** The Worker. What is not under its `PATH_PREFIX` it answers with 404. */
declare const worker: {
  fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response>;
  /** Goes on with what a change of `SEALING_KEYS` has begun. */
  scheduled(controller: ScheduledController, env: Env, ctx: ExecutionContext): Promise<void>;
};
export default worker;
