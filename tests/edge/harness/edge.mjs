// The Worker in workerd: n isolates of one script that share the KV namespace and one Durable Object class, with the
// data on disk and everything that workerd prints kept.
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";

import * as miniflare from "miniflare";

import { compatibilityDate, compatibilityFlags, demoDirectory, workerDirectory, workerModules } from "./paths.mjs";

const { Miniflare, NoOpLog, convertV4MiniflareOptions } = miniflare;
const VAULT_HOME = "edge-0";

/** A class of Durable Objects, which live in the first isolate. */
function durableObject(className, name) {
  return { className, useSQLite: true, ...(name === VAULT_HOME ? {} : { scriptName: VAULT_HOME }) };
}

function workerOptions({ name, bindings, kv, vault, modules, modulesRoot, assets, metrics, queue }) {
  return {
    name,
    modules,
    modulesRoot,
    compatibilityDate: compatibilityDate(),
    compatibilityFlags: compatibilityFlags(),
    bindings,
    kvNamespaces: kv ? { TOKENS: kv } : {},
    durableObjects: vault
      ? {
          VAULT: objects("Vault", name),
          APPLICATION_TOKEN: objects("ApplicationToken", name),
          WEBHOOK_INBOX: objects("WebhookInbox", name),
        }
      : {},
    ...(assets ? { assets } : {}),
    ...(queue ? { queueProducers: { WEBHOOK_QUEUE: queue } } : {}),
    ...(metrics ? { analyticsEngineDatasets: { METRICS: { dataset: "smartcar_connect" } } } : {}),
    unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
  };
}

/** A Durable Object class, which the first isolate holds for all. */
const objects = (className, name) => ({
  className,
  useSQLite: true,
  ...(name === VAULT_HOME ? {} : { scriptName: VAULT_HOME }),
});

/**
 * Starts the Worker.
 * @param {object} options
 * @param {Record<string, string>} options.bindings variables and secrets
 * @param {number} [options.port] the port of the address that also serves the demo page
 * @param {number} [options.isolates] how many isolates serve, `edge-0` … `edge-n`; the first holds the Durable Objects
 * @param {boolean} [options.demo] whether the demo page is served
 * @param {{key: string, cert: string}} [options.tls] speaks TLS at the public address
 * @param {{bindingFor: (isolate: number) => object}} [options.kv] a KV layer in place of Miniflare's own
 * @param {{name: string, bindings: Record<string, string>, kv?: boolean, vault?: boolean}[]} [options.variants]
 *   further Workers of the same script with a configuration of their own
 * @param {boolean} [options.metrics] whether an Analytics Engine dataset is bound as `METRICS`
 * @param {{name: string, script: string, queue?: string}[]} [options.backends] Workers of the app's own, each with a service
 *   binding `SMARTCAR` to the first isolate; one that names a queue consumes it, and the Worker has it as `WEBHOOK_QUEUE`
 * @param {object[]} [options.modules] other modules, the entry first
 * @param {string} [options.data] the data of a Worker that has been halted, to go on with
 */
export async function startEdge({
  bindings,
  port = 0,
  isolates = 1,
  demo = false,
  tls,
  kv,
  variants = [],
  metrics = false,
  backends = [],
  modules = workerModules(),
  modulesRoot = workerDirectory,
  data: given,
}) {
  const data = given ?? (await mkdtemp(path.join(os.tmpdir(), "smartcar-connect-edge-")));
  const log = [];
  const queue = backends.find((backend) => backend.queue)?.queue;
  const common = { modules, modulesRoot, metrics, queue };
  const assets = demo ? { directory: demoDirectory(), routerConfig: { has_user_worker: true } } : undefined;
  const serving = Array.from({ length: isolates }, (_, isolate) =>
    workerOptions({
      ...common,
      name: `edge-${isolate}`,
      bindings,
      kv: kv?.bindingFor(isolate) ?? "tokens",
      vault: true,
      assets: isolate === 0 ? assets : undefined,
    }),
  );
  const others = variants.map((variant) =>
    workerOptions({
      ...common,
      name: variant.name,
      bindings: variant.bindings,
      kv: variant.kv === false ? undefined : (kv?.bindingFor(variant.name) ?? "tokens"),
      vault: variant.vault !== false,
    }),
  );
  const callers = backends.map(({ name, script, queue: consumed }) => ({
    name,
    modules: [{ type: "ESModule", path: path.join(modulesRoot, `${name}.js`), contents: script }],
    modulesRoot,
    compatibilityDate: compatibilityDate(),
    serviceBindings: { SMARTCAR: VAULT_HOME },
    ...(consumed ? { queueConsumers: { [consumed]: { maxBatchTimeout: 0 } } } : {}),
    unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
  }));
  const workers = [...serving, ...others, ...callers];
  const runtime = new Miniflare(
    convertV4MiniflareOptions({
      host: "127.0.0.1",
      port,
      ...(tls ? { httpsKey: tls.key, httpsCert: tls.cert } : {}),
      cf: false,
      log: new NoOpLog(),
      logRequests: false,
      telemetry: { enabled: false },
      resourcePersistencePath: data,
      handleStructuredLogs: ({ level, message }) => {
        log.push(`${level}: ${message}`);
        if (process.env.EDGE_LOG) process.stderr.write(`[workerd] ${level}: ${message}\n`);
      },
      workers,
    }),
  );
  const address = await runtime.ready.catch(async (error) => {
    await rm(data, { recursive: true, force: true });
    throw error;
  });
  const direct = new Map();
  for (const { name } of workers) {
    direct.set(name, new URL(await runtime.unsafeGetDirectURL(name)).origin);
  }
  let running = true;
  async function halt() {
    if (running) await runtime.dispose();
    running = false;
  }

  return {
    /** The public address: `localhost`, which a browser trusts as it does https. */
    origin: `http://localhost:${address.port}`,
    isolates,
    data,
    /** Where to reach one isolate, by number or by name. */
    at: (isolate) => direct.get(typeof isolate === "number" ? `edge-${isolate}` : isolate),
    /** All that workerd has printed so far, the Worker's log lines included. It comes later than the answers: `env.log()` waits. */
    log: () => log.join("\n"),
    kv: () => runtime.getKVNamespace("TOKENS", VAULT_HOME),
    inboxIds: () => runtime.listDurableObjectIds("WEBHOOK_INBOX", VAULT_HOME),
    vaultIds: () => runtime.listDurableObjectIds("VAULT", VAULT_HOME),
    /** Fires the cron trigger, as at the time that `options` may name; returns what workerd says came of it. */
    scheduled: async (options) => (await runtime.getWorker(VAULT_HOME)).scheduled(options),
    /** Stops workerd and keeps the data. */
    halt,
    async stop() {
      await halt();
      await rm(data, { recursive: true, force: true });
    },
  };
}
