import { CountTokensRequest, MessagesRequest } from "../protocol/anthropic.ts";
import { OllamaChatRequest, OllamaEmbedRequest, OllamaGenerateRequest, OllamaShowRequest } from "../protocol/ollama.ts";
import {
  AddAdapterRequest,
  ChatRequest,
  CompletionRequest,
  EmbeddingRequest,
  RemoveAdapterRequest,
} from "../protocol/openai.ts";
import { ResponsesRequest } from "../protocol/openai-responses.ts";
import { countTokens, messages } from "./anthropic-messages.ts";
import { metrics } from "./metrics.ts";
import { ollamaChat, ollamaGenerate } from "./ollama-answers.ts";
import { ollamaEmbed, ollamaProcesses, ollamaShow, ollamaTags, ollamaVersion } from "./ollama-models.ts";
import { chatCompletions } from "./openai-chat.ts";
import { completions } from "./openai-completions.ts";
import { embeddings } from "./openai-embeddings.ts";
import { addAdapter, listModels, removeAdapter, showModel } from "./openai-models.ts";
import { createResponse, deleteResponse, showResponse } from "./openai-responses.ts";
import { openApiDocument } from "./openapi.ts";
import { get, post, queued, type Route } from "./route.ts";

const events = "text/event-stream";
const lines = "application/x-ndjson";

/** OpenAI's clients put /v1 in front, mlx-lm's users may not. */
const openAi = (path: string): string[] => [`/v1${path}`, path];

/** Everything that the server answers. */
export const routes: readonly Route[] = [
  get("/", "route/about", ({ version }) => Response.json({ name: "cygnet", version, openapi: "/openapi.json" })),
  get("/openapi.json", "route/openapi", ({ version }) => Response.json(openApiDocument(routes, version))),
  get("/health", "route/health", () => Response.json({ status: "ok" })),
  get("/metrics", "route/metrics", metrics, "text/plain"),

  queued(post(openAi("/chat/completions"), "route/chat", ChatRequest, chatCompletions), events),
  queued(post(openAi("/completions"), "route/completions", CompletionRequest, completions), events),
  queued(post(openAi("/responses"), "route/responses", ResponsesRequest, createResponse), events),
  get("/v1/responses/:id", "route/response", (context, { param, query }) =>
    showResponse(context, param("id"), query("stream")),
  ),
  {
    ...get("/v1/responses/:id", "route/forget-response", (context, { param }) => deleteResponse(context, param("id"))),
    method: "delete",
  },
  queued(post(openAi("/embeddings"), "route/embeddings", EmbeddingRequest, embeddings)),
  get("/v1/models", "route/models", listModels),
  get("/v1/models/:name{.+}", "route/model", (context, { param }) => showModel(context, param("name"))),
  post(["/v1/load_lora_adapter"], "route/load-adapter", AddAdapterRequest, addAdapter),
  post(["/v1/unload_lora_adapter"], "route/unload-adapter", RemoveAdapterRequest, removeAdapter),

  queued(post(["/v1/messages"], "route/messages", MessagesRequest, messages), events),
  post(["/v1/messages/count_tokens"], "route/count-tokens", CountTokensRequest, countTokens),

  queued(post(["/api/generate"], "route/ollama-generate", OllamaGenerateRequest, ollamaGenerate), lines),
  queued(post(["/api/chat"], "route/ollama-chat", OllamaChatRequest, ollamaChat), lines),
  queued(post(["/api/embed"], "route/ollama-embed", OllamaEmbedRequest, ollamaEmbed)),
  post(["/api/show"], "route/ollama-show", OllamaShowRequest, ollamaShow),
  get("/api/tags", "route/ollama-tags", ollamaTags),
  get("/api/ps", "route/ollama-ps", ollamaProcesses),
  get("/api/version", "route/ollama-version", ollamaVersion),
];
