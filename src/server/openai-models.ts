import type { AddAdapterRequest, RemoveAdapterRequest } from "../protocol/openai.ts";
import { UserError } from "../protocol/user-error.ts";
import type { ServerContext } from "./context.ts";

/** GET /v1/models: every name that requests can use. */
export function listModels({ models }: ServerContext): Response {
  models.rescan();
  const names = models.names();
  const adapters = models.adapterNames.map((name) => `${models.defaultName}:${name}`);
  return Response.json({ object: "list", data: [...names, ...adapters].map(described) });
}

/** GET /v1/models/NAME */
export function showModel({ models }: ServerContext, name: string): Response {
  models.rescan();
  const names = [...models.names(), ...models.adapterNames.map((adapter) => `${models.defaultName}:${adapter}`)];
  if (!names.includes(name)) throw new UserError("server/unknown-model", { name, names });
  return Response.json(described(name));
}

const started = Math.floor(Date.now() / 1000);

function described(id: string): object {
  return { id, object: "model", created: started, owned_by: "cygnet" };
}

/** POST /v1/load_lora_adapter, as vLLM has it */
export async function addAdapter(
  { models }: ServerContext,
  { lora_name, lora_path }: AddAdapterRequest,
): Promise<Response> {
  await models.addAdapter(lora_name, lora_path);
  return Response.json({ loaded: lora_name });
}

/** POST /v1/unload_lora_adapter, as vLLM has it */
export async function removeAdapter({ models }: ServerContext, { lora_name }: RemoveAdapterRequest): Promise<Response> {
  await models.removeAdapter(lora_name);
  return Response.json({ unloaded: lora_name });
}
