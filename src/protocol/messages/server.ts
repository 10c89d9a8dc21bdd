export const serverMessages = {
  "server/unknown-model": (f: { name: string; names: readonly string[] }) => ({
    en: `There is no model ${f.name} here. There are: ${f.names.join(", ")}. Others come with cygnet pull, or when the server starts with --model.`,
    zh: `没有名为 ${f.name} 的模型。可用：${f.names.join("、")}。其他模型可用 cygnet pull 下载，或在启动时用 --model 指定。`,
  }),
  "server/empty-prompt": (_: Record<string, never>) => ({
    en: "The prompt has no tokens. Send some text.",
    zh: "提示为空，请提供文本内容。",
  }),
  "server/too-long": (f: { tokens: number; contextLength: number }) => ({
    en: `The prompt has ${f.tokens} tokens, and the model's context ends at ${f.contextLength}. Shorten it.`,
    zh: `提示有 ${f.tokens} 个词元，超出模型的上下文长度 ${f.contextLength}。请缩短提示。`,
  }),
  "server/bias-outside": (f: { id: number; vocabulary: number }) => ({
    en: `logit_bias names token ${f.id}, but the vocabulary ends at ${f.vocabulary - 1}.`,
    zh: `logit_bias 中的词元 ${f.id} 超出词表（最大为 ${f.vocabulary - 1}）。`,
  }),
  "server/id-outside": (f: { id: number; vocabulary: number }) => ({
    en: `The prompt has token ${f.id}, but the vocabulary ends at ${f.vocabulary - 1}.`,
    zh: `提示中的词元 ${f.id} 超出词表（最大为 ${f.vocabulary - 1}）。`,
  }),
  "server/bad-request": (f: { problems: readonly string[] }) => ({
    en: `The request is not valid: ${f.problems.join("; ")}.`,
    zh: `请求无效：${f.problems.join("；")}。`,
  }),
  "server/not-json": (f: { reason: string }) => ({
    en: `The body is not JSON: ${f.reason}`,
    zh: `请求体不是有效的 JSON：${f.reason}`,
  }),
  "server/too-deep": (f: { most: number }) => ({
    en: `The body nests lists and objects more than ${f.most} deep. Send a flatter one.`,
    zh: `请求体的嵌套超过 ${f.most} 层，请减少嵌套。`,
  }),
  "server/too-large": (f: { most: number }) => ({
    en: `The body is larger than ${f.most / 2 ** 20} MB, which this server takes at most.`,
    zh: `请求体超过了服务器允许的上限 ${f.most / 2 ** 20} MB。`,
  }),
  "server/busy": (f: { pending: number }) => ({
    en: `${f.pending} requests are being answered or wait already. Try again in a few seconds.`,
    zh: `已有 ${f.pending} 个请求正在处理或排队，请几秒后重试。`,
  }),
  "server/no-key": (_: Record<string, never>) => ({
    en: "This server asks for its API key: send it as Authorization: Bearer KEY.",
    zh: "服务器需要 API 密钥：请以 Authorization: Bearer 密钥 的形式发送。",
  }),
  "server/no-route": (f: { route: string }) => ({
    en: `There is no ${f.route} here. GET /openapi.json lists the routes that there are.`,
    zh: `没有 ${f.route} 接口。可用接口见 GET /openapi.json。`,
  }),
  "server/wrong-method": (f: { method: string; path: string; possible: readonly string[] }) => ({
    en: `${f.path} does not take ${f.method}; possible: ${f.possible.join(", ")}.`,
    zh: `${f.path} 不支持 ${f.method}；可用：${f.possible.join("、")}。`,
  }),
  "server/no-images": (f: { type: string }) => ({
    en: `This model reads text; a message has a part of type ${f.type}.`,
    zh: `该模型只能读取文本，而消息中含有类型为 ${f.type} 的内容。`,
  }),
  "server/draft-alone": (_: Record<string, never>) => ({
    en: "--draft-model guesses for the model of --model, which is not given. Add --model.",
    zh: "--draft-model 为 --model 指定的模型推测词元，但没有给出 --model。请加上 --model。",
  }),
  "server/unsupported": (f: { value: string; possible: readonly string[] }) => ({
    en: `${f.value} is not supported here; possible: ${f.possible.join(", ")}`,
    zh: `不支持 ${f.value}；可用：${f.possible.join("、")}`,
  }),
  "server/unknown-response": (f: { id: string }) => ({
    en: `There is no response or item ${f.id} here. Only the latest ones are kept, in memory, and none with store: false. Send the whole conversation as input.`,
    zh: `没有编号为 ${f.id} 的响应或条目。服务器只在内存中保留最近的响应，store 为 false 的不保留。请在 input 中发送完整对话。`,
  }),
  "server/model-without-tools": (f: { model: string }) => ({
    en: `The chat template of ${f.model} does not support tools: the model would not hear of them. Leave tools out, or use a model that was trained with them.`,
    zh: `${f.model} 的对话模板不支持工具，模型看不到 tools。请去掉 tools，或换用支持工具调用的模型。`,
  }),
  "server/no-tools": (f: { choice: string }) => ({
    en: `tool_choice ${f.choice} asks for a call, but the request has no tools.`,
    zh: `tool_choice 为 ${f.choice}，要求调用工具，但请求中没有 tools。`,
  }),
  "server/unknown-tool": (f: { name: string; names: readonly string[] }) => ({
    en: `tool_choice names ${f.name}, which is not among the tools: ${f.names.join(", ")}.`,
    zh: `tool_choice 指定的 ${f.name} 不在 tools 中：${f.names.join("、")}。`,
  }),
  "server/listening": (f: { url: string; model: string | undefined; adapters: readonly string[] }) => ({
    en: `Serving ${f.model ?? "the models that were downloaded"} at ${f.url}/v1 (OpenAI API)${f.adapters.length > 0 ? `, with adapters ${f.adapters.join(", ")}` : ""}. End with Ctrl-C.`,
    zh: `正在 ${f.url}/v1 提供 ${f.model ?? "已下载的模型"}（OpenAI 接口）${f.adapters.length > 0 ? `，适配器：${f.adapters.join("、")}` : ""}。按 Ctrl-C 结束。`,
  }),
  "server/clients": (f: {
    url: string;
    models: readonly string[];
    hasKey: boolean;
    isOpen: boolean;
    curl: string;
  }) => ({
    en: [
      "",
      "To connect a client (Cherry Studio, Open WebUI, OpenAI SDK …):",
      `  base URL  ${f.url}/v1    for Ollama and Anthropic clients ${f.url}`,
      ...(f.isOpen ? ["            from other machines with this machine's address"] : []),
      `  model     ${f.models.join(", ")}`,
      `  API key   ${f.hasKey ? "the one of --api-key or CYGNET_API_KEY" : "any text: none is set (--api-key sets one)"}`,
      "Try it:",
      `  ${f.curl}`,
      "Each client step by step: docs/clients.md",
      "",
    ].join("\n"),
    zh: [
      "",
      "连接客户端（Cherry Studio、Open WebUI、OpenAI SDK 等）：",
      `  接口地址  ${f.url}/v1    Ollama 与 Anthropic 客户端用 ${f.url}`,
      ...(f.isOpen ? ["            从其他机器访问时换成本机的地址"] : []),
      `  模型      ${f.models.join("、")}`,
      `  API 密钥  ${f.hasKey ? "--api-key 或 CYGNET_API_KEY 设置的密钥" : "任意文本：未设置密钥（用 --api-key 设置）"}`,
      "试一试：",
      `  ${f.curl}`,
      "各客户端的详细步骤见 docs/clients.zh.md",
      "",
    ].join("\n"),
  }),
  "server/port-taken": (f: { host: string; port: number }) => ({
    en: `${f.host}:${f.port} is taken by another program. Choose another --port.`,
    zh: `${f.host}:${f.port} 已被其他程序占用。请用 --port 指定其他端口。`,
  }),
  "server/open-to-all": (f: { host: string }) => ({
    en: `Anybody who reaches ${f.host} can use this server. Set --api-key to keep others out.`,
    zh: `任何能访问 ${f.host} 的人都可以使用此服务。建议用 --api-key 设置密钥。`,
  }),
};
