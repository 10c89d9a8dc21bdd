/** What the document of the server's routes says of each. */
export const routeMessages = {
  "route/about": (_: Record<string, never>) => ({
    en: "What this server is, and where it is described",
    zh: "服务器简介与接口文档的位置",
  }),
  "route/openapi": (_: Record<string, never>) => ({ en: "This document", zh: "本文档" }),
  "route/health": (_: Record<string, never>) => ({ en: "Whether the server is there", zh: "检查服务器是否在运行" }),
  "route/metrics": (_: Record<string, never>) => ({
    en: "Counts and memory, in Prometheus' text format",
    zh: "运行指标（Prometheus 文本格式）",
  }),
  "route/chat": (_: Record<string, never>) => ({ en: "Answers a conversation (OpenAI)", zh: "对话补全（OpenAI）" }),
  "route/completions": (_: Record<string, never>) => ({
    en: "Continues texts, or scores them (OpenAI)",
    zh: "文本续写与打分（OpenAI）",
  }),
  "route/responses": (_: Record<string, never>) => ({
    en: "Answers a conversation, which later requests can go on from (OpenAI)",
    zh: "生成响应，后续请求可接着对话（OpenAI）",
  }),
  "route/response": (_: Record<string, never>) => ({ en: "A response that was kept", zh: "查看已保存的响应" }),
  "route/forget-response": (_: Record<string, never>) => ({
    en: "Forgets a response that was kept",
    zh: "删除已保存的响应",
  }),
  "route/embeddings": (_: Record<string, never>) => ({ en: "Vectors of texts (OpenAI)", zh: "文本向量（OpenAI）" }),
  "route/models": (_: Record<string, never>) => ({
    en: "Names that requests can use (OpenAI)",
    zh: "可用的模型名称（OpenAI）",
  }),
  "route/model": (_: Record<string, never>) => ({
    en: "Whether there is a model of that name (OpenAI)",
    zh: "查询某个模型名称（OpenAI）",
  }),
  "route/load-adapter": (_: Record<string, never>) => ({
    en: "Adds an adapter while the server runs (vLLM)",
    zh: "运行中添加适配器（vLLM）",
  }),
  "route/unload-adapter": (_: Record<string, never>) => ({
    en: "Removes an adapter while the server runs (vLLM)",
    zh: "运行中移除适配器（vLLM）",
  }),
  "route/messages": (_: Record<string, never>) => ({
    en: "Answers a conversation (Anthropic)",
    zh: "对话（Anthropic）",
  }),
  "route/count-tokens": (_: Record<string, never>) => ({
    en: "How many tokens a conversation has (Anthropic)",
    zh: "计算对话的词元数（Anthropic）",
  }),
  "route/ollama-generate": (_: Record<string, never>) => ({
    en: "Answers a prompt (Ollama)",
    zh: "回答提示（Ollama）",
  }),
  "route/ollama-chat": (_: Record<string, never>) => ({ en: "Answers a conversation (Ollama)", zh: "对话（Ollama）" }),
  "route/ollama-embed": (_: Record<string, never>) => ({ en: "Vectors of texts (Ollama)", zh: "文本向量（Ollama）" }),
  "route/ollama-show": (_: Record<string, never>) => ({ en: "What a model is (Ollama)", zh: "模型信息（Ollama）" }),
  "route/ollama-tags": (_: Record<string, never>) => ({
    en: "Models that can be asked for (Ollama)",
    zh: "可用的模型（Ollama）",
  }),
  "route/ollama-ps": (_: Record<string, never>) => ({ en: "Models in memory (Ollama)", zh: "已加载的模型（Ollama）" }),
  "route/ollama-version": (_: Record<string, never>) => ({
    en: "The version of Ollama's API that is spoken",
    zh: "所兼容的 Ollama 接口版本",
  }),
  "route/failure": (_: Record<string, never>) => ({ en: "What is wrong", zh: "错误信息" }),
};
