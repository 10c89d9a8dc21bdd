import type { ModelStatus } from "../engine/messages.ts";
import type { ServerContext } from "./context.ts";

const perModel: { name: string; type: "counter" | "gauge"; help: string; value(model: ModelStatus): number }[] = [
  { name: "prompt_tokens_total", type: "counter", help: "Tokens of prompts", value: (m) => m.promptTokens },
  {
    name: "cached_tokens_total",
    type: "counter",
    help: "Tokens of prompts that were known",
    value: (m) => m.cachedTokens,
  },
  { name: "generation_tokens_total", type: "counter", help: "Tokens generated", value: (m) => m.generatedTokens },
  {
    name: "draft_tokens_total",
    type: "counter",
    help: "Tokens guessed by a draft model",
    value: (m) => m.guessedTokens,
  },
  {
    name: "draft_accepted_tokens_total",
    type: "counter",
    help: "Tokens guessed right",
    value: (m) => m.acceptedTokens,
  },
  { name: "requests_running", type: "gauge", help: "Texts computed now", value: (m) => m.runningTexts },
  { name: "requests_waiting", type: "gauge", help: "Texts that wait", value: (m) => m.waitingTexts },
  { name: "weight_bytes", type: "gauge", help: "Memory of weights", value: (m) => m.weightBytes },
  { name: "cache_bytes", type: "gauge", help: "Memory of keys and values", value: (m) => m.cacheBytes },
];

/** GET /metrics, in Prometheus' text format 0.0.4 */
export function metrics({ engine }: ServerContext): Response {
  const { models, activeBytes, peakBytes } = engine.status;
  const lines = perModel.flatMap(({ name, type, help, value }) => [
    ...header(name, type, help),
    ...models.map((model) => `cygnet_${name}{model="${model.model.replace(/["\\\n]/g, "\\$&")}"} ${value(model)}`),
  ]);
  const whole = [
    ["memory_active_bytes", "gauge", "Memory in use by MLX", activeBytes],
    ["memory_peak_bytes", "gauge", "Most memory in use by MLX so far", peakBytes],
    ["engine_restarts_total", "counter", "Ends of the computing process", engine.restarts],
  ] as const;
  for (const [name, type, help, value] of whole) lines.push(...header(name, type, help), `cygnet_${name} ${value}`);
  return new Response(`${lines.join("\n")}\n`, { headers: { "content-type": "text/plain; version=0.0.4" } });
}

function header(name: string, type: string, help: string): string[] {
  return [`# HELP cygnet_${name} ${help}`, `# TYPE cygnet_${name} ${type}`];
}
