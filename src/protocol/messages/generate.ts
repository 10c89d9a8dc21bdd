/** A model of a merge, and how it does beside the first of them. */
export interface Survivor {
  name: "base" | "tuned" | "fused";
  loss: number;
  kl?: number;
  topAgreement?: number;
}

function survivorLines(
  rows: readonly Survivor[],
  names: Record<Survivor["name"], string>,
  [loss, kl, same]: readonly string[],
): string {
  const lines = rows.map((row) => {
    const beside = row.kl === undefined ? "" : `, ${kl} ${row.kl.toFixed(4)}, ${same} ${percent(row.topAgreement)}`;
    return `  ${names[row.name]}: ${loss} ${row.loss.toFixed(4)}${beside}`;
  });
  return lines.join("\n");
}

function percent(share = 0): string {
  return `${(100 * share).toFixed(1)} %`;
}

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
  "fuse/whole-among-others": (f: { folder: string }) => ({
    en: `${f.folder} holds whole weights, which can only be taken as they are: leave out --scale and --with-adapter.`,
    zh: `${f.folder} 保存的是完整权重，只能原样使用：请去掉 --scale 和 --with-adapter。`,
  }),
  "fuse/bad-share": (f: { given: string }) => ({
    en: `--with-adapter takes FOLDER or FOLDER=WEIGHT, such as runs/second=0.5; found ${f.given}.`,
    zh: `--with-adapter 的格式为 文件夹 或 文件夹=权重，例如 runs/second=0.5；收到的是 ${f.given}。`,
  }),
  "fuse/touched-not-packed": (f: { model: string }) => ({
    en: `--touched-bits is for a quantized base that stays quantized; ${f.model} is not quantized, or --dequantize was given.`,
    zh: `--touched-bits 仅用于保持量化的量化模型；${f.model} 未量化，或已指定 --dequantize。`,
  }),
  "fuse/not-measured": (f: { adapter: string }) => ({
    en: `Not measured: the rows that ${f.adapter} held back were not found. Give a text or JSONL file with --data, or --no-quality.`,
    zh: `未测量：找不到 ${f.adapter} 训练时留出的数据。请用 --data 指定文本或 JSONL 文件，或使用 --no-quality。`,
  }),
  "fuse/quality": (f: { tokens: number; data: string; rows: readonly Survivor[]; kept: number | undefined }) => ({
    en: `On ${f.tokens} tokens of ${f.data}:\n${survivorLines(f.rows, { base: "base", tuned: "base + adapter", fused: "merged" }, ["loss", "KL to the first", "same next token"])}${f.kept === undefined ? "" : `\nThe merged model keeps ${(100 * f.kept).toFixed(1)} % of what the adapter gained.`}`,
    zh: `在 ${f.data} 的 ${f.tokens} 个词元上：\n${survivorLines(f.rows, { base: "原模型", tuned: "原模型 + 适配器", fused: "合并后" }, ["损失", "与第一行的 KL", "下一词元相同"])}${f.kept === undefined ? "" : `\n合并后的模型保留了适配器所获提升的 ${(100 * f.kept).toFixed(1)}%。`}`,
  }),
  "fuse/lost": (f: { kept: number }) => ({
    en: `Packed again at the model's own bits, the merged layers lost ${(100 * (1 - f.kept)).toFixed(0)} % of what the adapter gained. --touched-bits 8 packs these layers at 8 bits and keeps nearly all of it, --dequantize all.`,
    zh: `合并后的层按原有位宽重新量化，丢失了适配器所获提升的 ${(100 * (1 - f.kept)).toFixed(0)}%。--touched-bits 8 以 8 位保存这些层，几乎完整保留；--dequantize 则完整保留。`,
  }),
  "fuse/requantized": (_: Record<string, never>) => ({
    en: "The merged layers were quantized again at the model's own bits, which can lose part of what was learnt. Compare the answers, and use --dequantize to keep all of it.",
    zh: "合并后的层已按原有位宽重新量化，可能损失部分学到的内容。请对比回答；使用 --dequantize 可完整保留。",
  }),
};
