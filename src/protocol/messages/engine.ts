const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(2);

export const engineMessages = {
  "engine/no-memory": (f: { model: string; weightBytes: number; freeBytes: number }) => ({
    en: `${f.model} does not fit: its weights take ${gigabytes(f.weightBytes)} GB, and ${gigabytes(Math.max(0, f.freeBytes))} GB are free for weights and cache. Serve a smaller or a quantized model, or raise --memory-limit.`,
    zh: `内存不足，无法加载 ${f.model}：权重需要 ${gigabytes(f.weightBytes)} GB，而权重与缓存共有 ${gigabytes(Math.max(0, f.freeBytes))} GB 可用。请使用更小或量化的模型，或提高 --memory-limit。`,
  }),
  "engine/too-long": (f: { tokens: number; most: number }) => ({
    en: `The prompt has ${f.tokens} tokens, and the memory for the cache holds ${f.most}. Shorten it, or raise --memory-limit.`,
    zh: `提示有 ${f.tokens} 个词元，而缓存只能容纳 ${f.most} 个。请缩短提示，或提高 --memory-limit。`,
  }),
  "engine/no-adapter": (f: { adapter: string; names: string[] }) => ({
    en: `The adapter ${f.adapter} is not loaded.${f.names.length > 0 ? ` Loaded: ${f.names.join(", ")}.` : ""}`,
    zh: `适配器 ${f.adapter} 未加载。${f.names.length > 0 ? `已加载：${f.names.join("、")}。` : ""}`,
  }),
  /** What the other process told as `code`. */
  "engine/reported": (f: { code: string; en: string; zh: string }) => ({ en: f.en, zh: f.zh }),
  "engine/closed": (f: { model: string }) => ({
    en: `The model ${f.model} was unloaded. Send the request again.`,
    zh: `模型 ${f.model} 已被卸载。请重新发送请求。`,
  }),
  "engine/crashed": (f: { reason: string }) => ({
    en: `The process that computes ended (${f.reason}); it is being started again. Send the request again.`,
    zh: `计算进程意外结束（${f.reason}），正在重新启动。请重新发送请求。`,
  }),
};
