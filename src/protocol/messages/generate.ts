export const generateMessages = {
  "generate/empty-prompt": (_: Record<string, never>) => ({
    en: "The prompt has no tokens. Give one with --prompt.",
    zh: "提示为空。请用 --prompt 给出提示内容。",
  }),
  "generate/unknown-token": (f: { token: string; known: string[] }) => ({
    en: `--extra-eos-token ${f.token} is not one of the tokenizer's own tokens. Known: ${f.known.join(" ")}`,
    zh: `--extra-eos-token ${f.token} 不是分词器的特殊词元。已知：${f.known.join(" ")}`,
  }),
  "generate/bias-outside": (f: { id: number; vocabulary: number }) => ({
    en: `--logit-bias names token ${f.id}, but the vocabulary ends at ${f.vocabulary - 1}.`,
    zh: `--logit-bias 中的词元 ${f.id} 超出词表（最大为 ${f.vocabulary - 1}）。`,
  }),
  "generate/bad-prompt": (f: { path: string; line: number }) => ({
    en: `${f.path}, line ${f.line}: expected a JSON object with "prompt" (text) or "messages" (a list of messages).`,
    zh: `${f.path} 第 ${f.line} 行：应为包含 "prompt"（文本）或 "messages"（消息列表）的 JSON 对象。`,
  }),
  "generate/file-with": (f: { flag: string }) => ({
    en: `--prompts does not go with ${f.flag}: rows that are answered together share one plain cache. Leave out one of them.`,
    zh: `--prompts 不能与 ${f.flag} 同时使用：批量回答共用一个普通缓存。请去掉其中一个。`,
  }),
  "generate/file-report": (f: { answers: number; tokens: number; seconds: number; peakBytes: number }) => ({
    en: `${f.answers} answers, ${f.tokens} tokens in ${f.seconds.toFixed(1)} s (${(f.tokens / f.seconds).toFixed(1)} tokens/s), peak memory ${(f.peakBytes / 1e9).toFixed(2)} GB`,
    zh: `${f.answers} 个回答，${f.seconds.toFixed(1)} 秒生成 ${f.tokens} 个词元（${(f.tokens / f.seconds).toFixed(1)} 词元/秒），内存峰值 ${(f.peakBytes / 1e9).toFixed(2)} GB`,
  }),
  "generate/cache-file-with": (f: { flag: string }) => ({
    en: `--prompt-cache-file does not go with ${f.flag}: the file holds every token as it was computed. Leave out one of them.`,
    zh: `--prompt-cache-file 不能与 ${f.flag} 同时使用：该文件保存的是完整的计算结果。请去掉其中一个。`,
  }),
  "generate/draft-with": (f: { flag: string }) => ({
    en: `--draft-model does not go with ${f.flag}. Leave out one of them.`,
    zh: `--draft-model 不能与 ${f.flag} 同时使用。请去掉其中一个。`,
  }),
  "generate/draft-tokens": (f: { draft: string; model: string }) => ({
    en: `${f.draft} and ${f.model} split text into different tokens. A draft model needs the model's own tokenizer: take a smaller one of the same family.`,
    zh: `${f.draft} 与 ${f.model} 的分词结果不同。推测模型必须使用相同的分词器：请选用同系列的较小模型。`,
  }),
  "generate/drafted": (f: { tokens: number; all: number }) => ({
    en: `Draft model: ${f.tokens} of ${f.all} tokens guessed right`,
    zh: `推测模型：${f.all} 个词元中有 ${f.tokens} 个推测正确`,
  }),
  "cache/not-a-prompt-cache": (f: { path: string }) => ({
    en: `${f.path} is not a prompt cache that Cygnet wrote. Give --prompt-cache-file another path, or delete the file.`,
    zh: `${f.path} 不是 Cygnet 写入的提示缓存。请为 --prompt-cache-file 指定其他路径，或删除该文件。`,
  }),
  "cache/other-model": (f: { path: string }) => ({
    en: `${f.path} was computed with another model or adapter. Give --prompt-cache-file another path, or delete the file.`,
    zh: `${f.path} 是用另一个模型或适配器计算的。请为 --prompt-cache-file 指定其他路径，或删除该文件。`,
  }),
  "generate/cached": (f: { tokens: number; path: string }) => ({
    en: `${f.tokens} tokens of the prompt came from ${f.path}`,
    zh: `提示中有 ${f.tokens} 个词元取自 ${f.path}`,
  }),
  "cache/group-size": (f: { size: number; group: number }) => {
    const possible = [32, 64, 128].filter((group) => f.size % group === 0).join(", ");
    return {
      en: `This model's heads have ${f.size} elements, which cannot be packed in groups of ${f.group}. ${possible ? `Possible with --kv-group-size: ${possible}.` : "Leave out --kv-bits."}`,
      zh: `该模型的每个注意力头有 ${f.size} 个元素，无法按每组 ${f.group} 个量化。${possible ? `--kv-group-size 可用的值：${possible}。` : "请去掉 --kv-bits。"}`,
    };
  },
  "generate/prompt-progress": (f: {
    tokens: number;
    total: number;
    tokensPerSecond: number;
    left: string | undefined;
  }) => ({
    en: `Reading the prompt  ${Math.floor((100 * f.tokens) / f.total)}%  ${f.tokens} of ${f.total} tokens  ${f.tokensPerSecond.toFixed(0)} tokens/s${f.left ? `  ${f.left} left` : ""}`,
    zh: `正在读取提示  ${Math.floor((100 * f.tokens) / f.total)}%  ${f.tokens}/${f.total} 个词元  ${f.tokensPerSecond.toFixed(0)} 词元/秒${f.left ? `  剩余 ${f.left}` : ""}`,
  }),
  "generate/report": (f: {
    promptTokens: number;
    promptTps: number;
    tokens: number;
    generationTps: number;
    peakBytes: number;
  }) => ({
    en: `Prompt: ${f.promptTokens} tokens, ${f.promptTps.toFixed(3)} tokens-per-sec\nGeneration: ${f.tokens} tokens, ${f.generationTps.toFixed(3)} tokens-per-sec\nPeak memory: ${(f.peakBytes / 1e9).toFixed(3)} GB`,
    zh: `提示：${f.promptTokens} 个词元，${f.promptTps.toFixed(3)} 词元/秒\n生成：${f.tokens} 个词元，${f.generationTps.toFixed(3)} 词元/秒\n内存峰值：${(f.peakBytes / 1e9).toFixed(3)} GB`,
  }),
  "fuse/done": (f: { path: string; layers: number }) => ({
    en: `Merged ${f.layers} layers. Saved to ${f.path}.`,
    zh: `已合并 ${f.layers} 层，保存到 ${f.path}。`,
  }),
  "fuse/requantized": (_: Record<string, never>) => ({
    en: "The merged layers were quantized again at the model's own bits, which can lose part of what was learnt. Compare the answers, and use --dequantize to keep all of it.",
    zh: "合并后的层已按原有位宽重新量化，可能损失部分学到的内容。请对比回答；使用 --dequantize 可完整保留。",
  }),
};
