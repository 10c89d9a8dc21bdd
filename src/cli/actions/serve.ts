import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { setTimeout } from "node:timers/promises";
import { serve as listen } from "@hono/node-server";
import { Engine } from "../../engine/engine.ts";
import { UserError } from "../../protocol/user-error.ts";
import { app } from "../../server/app.ts";
import type { ServerContext } from "../../server/context.ts";
import { ServedModels } from "../../server/served-models.ts";
import { StoredResponses } from "../../server/stored-responses.ts";
import { clientSetUp } from "../client-set-up.ts";
import type { ServeConfig } from "../commands/serve.ts";
import { requireSameTokens } from "../draft-model.ts";
import { memoryLimit } from "../memory-limit.ts";
import { modelFolder } from "../model-folder.ts";
import type { Ui } from "../ui.ts";
import { version } from "../version.ts";

const defaultPrefixBytes = 4e9;
const maxBodyBytes = 8 * 2 ** 20;
/** Load testers keep connections idle for a minute and more. */
const keepAliveMs = 120_000;
/** What requests that are being answered have left when the server ends. */
const graceMs = 10_000;

export async function serve(config: ServeConfig, ui: Ui): Promise<number> {
  const signal = ui.interruption();
  const models = await namedModel(config, ui);
  const [{ name: model } = {}] = models;
  const engine = new Engine({
    memoryBytes: config.memory_limit ?? memoryLimit().bytes,
    maxTexts: config.decode_concurrency,
    prefillStepSize: config.prefill_step_size,
    dtype: config.dtype,
    prefixBytes: config.prompt_cache_bytes ?? defaultPrefixBytes,
  });
  try {
    const context = contextOf(config, engine, new ServedModels(engine, { ...modelOptions(config), models }), ui);
    if (model !== undefined) await context.models.resolve("default_model");
    const server = await listening(context, config);
    const url = `http://${config.host.includes(":") ? `[${config.host}]` : config.host}:${server.port}`;
    ui.emit({ url, model, adapters: context.models.adapterNames });
    ui.say("server/listening", { url, model, adapters: context.models.adapterNames });
    if (apiKeyOf(config) === undefined && !["127.0.0.1", "::1", "localhost"].includes(config.host)) {
      ui.say("server/open-to-all", { host: config.host });
    }
    if (ui.interactive && !ui.json) {
      const hasKey = apiKeyOf(config) !== undefined;
      ui.say("server/clients", clientSetUp(context.models, { host: config.host, port: server.port, hasKey }));
    }
    const timer = setInterval(() => void context.models.closeIdle().catch(context.onBug), 1000);
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    clearInterval(timer);
    await server.close();
    return 130;
  } finally {
    await engine.shutdown();
  }
}

async function namedModel({ model, draft_model, num_draft_tokens, hub, offline }: ServeConfig, ui: Ui) {
  if (model === undefined && draft_model !== undefined) throw new UserError("server/draft-alone", {});
  if (model === undefined) return [];
  const folder = await modelFolder({ model, hub, offline }, ui);
  if (draft_model === undefined) return [{ name: model, folder }];
  const draft = await modelFolder({ model: draft_model, hub, offline }, ui);
  await requireSameTokens({ name: model, folder }, { name: draft_model, folder: draft });
  return [{ name: model, folder, draft: { folder: draft, tokens: num_draft_tokens } }];
}

function apiKeyOf({ api_key }: ServeConfig): string | undefined {
  return api_key ?? process.env.CYGNET_API_KEY;
}

function modelOptions({ adapter_path, adapters, ttl }: ServeConfig) {
  const idleMs = ttl === undefined ? undefined : ttl * 1000;
  return { adapter: adapter_path, adapterFolders: adapters, idleMs };
}

function contextOf(config: ServeConfig, engine: Engine, models: ServedModels, ui: Ui): ServerContext {
  return {
    version: version(),
    engine,
    models,
    responses: new StoredResponses(),
    defaults: {
      temperature: config.temp,
      topP: config.top_p,
      topK: config.top_k,
      minP: config.min_p,
      maxTokens: config.max_tokens,
      templateVariables: config.chat_template_args ?? {},
    },
    onBug: (error) => ui.tell(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`),
    maxPending: config.decode_concurrency + config.max_queue,
  };
}

async function listening(context: ServerContext, config: ServeConfig) {
  const { host, port } = config;
  const { fetch } = app(context, {
    apiKey: apiKeyOf(config),
    allowedOrigins: config.allowed_origins.split(",").map((origin) => origin.trim()),
    maxBodyBytes,
  });
  const server = await new Promise<ReturnType<typeof listen> & { address(): unknown }>((resolve, reject) => {
    const started = listen({ fetch, hostname: host, port }, () => resolve(started));
    started.once("error", (error: NodeJS.ErrnoException) => {
      reject(error.code === "EADDRINUSE" ? new UserError("server/port-taken", { host, port }) : error);
    });
  });
  if ("keepAliveTimeout" in server) {
    server.keepAliveTimeout = keepAliveMs;
    server.headersTimeout = keepAliveMs; // of connections that were opened for later
  }
  return {
    port: addressOf(server.address()).port,
    /** Takes no more requests and lets answers end, but not for long. */
    async close() {
      const closed = once(server, "close");
      server.close();
      const end = performance.now() + graceMs;
      while (context.engine.pendingCalls > 0 && performance.now() < end) await setTimeout(50);
      if ("closeAllConnections" in server) server.closeAllConnections();
      await closed;
    },
  };
}

function addressOf(address: unknown): Pick<AddressInfo, "port"> {
  if (typeof address === "object" && address !== null && "port" in address && typeof address.port === "number") {
    return { port: address.port };
  }
  throw new Error("a server on TCP has a port");
}
