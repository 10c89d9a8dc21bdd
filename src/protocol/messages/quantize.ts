export const quantizeMessages = {
  "quantize/mode": (f: { where: string; mode: string; modes: string[] }) => ({
    en: `${f.where}: there is no quantization mode "${f.mode}". Possible: ${f.modes.join(", ")}.`,
    zh: `${f.where}：没有名为 "${f.mode}" 的量化模式。可选：${f.modes.join("、")}。`,
  }),
  "quantize/settings": (f: {
    where: string;
    mode: string;
    bits: number;
    group_size: number;
    possibleBits: readonly number[];
    possibleGroups: readonly number[];
  }) => ({
    en: `${f.where}: ${f.mode} cannot have ${f.bits} bits in groups of ${f.group_size}. Bits: ${f.possibleBits.join(", ")}. Group size: ${f.possibleGroups.join(", ")}.`,
    zh: `${f.where}：${f.mode} 不支持 ${f.bits} 位、每组 ${f.group_size} 个。可用位数：${f.possibleBits.join("、")}；可用组大小：${f.possibleGroups.join("、")}。`,
  }),
  "quantize/rule": (f: { text: string }) => ({
    en: `--q-rule ${f.text} is not a rule. Write PATTERN=BITS, PATTERN=BITS:GROUP, PATTERN=BITS:GROUP:MODE or PATTERN=skip, such as '*.down_proj=6' or 'lm_head=skip'.`,
    zh: `--q-rule ${f.text} 不是有效的规则。请写成 模式=位数、模式=位数:组大小、模式=位数:组大小:量化模式 或 模式=skip，例如 '*.down_proj=6'、'lm_head=skip'。`,
  }),
  "quantize/rule-without-layer": (f: { text: string; paths: string[] }) => ({
    en: `--q-rule ${f.text} matches no layer. * stands for any text. The first layers are: ${f.paths.slice(0, 10).join(", ")}.`,
    zh: `--q-rule ${f.text} 没有匹配任何层。* 代表任意文字。开头的几层是：${f.paths.slice(0, 10).join("、")}。`,
  }),
  "quantize/already": (_: Record<string, never>) => ({
    en: "All layers of this model are quantized already. To quantize in another way, first make a copy with --dequantize, or take the model's original.",
    zh: "该模型的各层均已量化。若要改用其他量化方式，请先用 --dequantize 生成副本，或使用原始模型。",
  }),
  "quantize/nothing": (f: { group_size: number }) => ({
    en: `No layer can be quantized: none has columns that divide into groups of ${f.group_size}, or rules skip them all. Give a smaller --q-group-size.`,
    zh: `没有可量化的层：没有任何一层的列数能按每组 ${f.group_size} 个整除，或所有层都被规则跳过。请减小 --q-group-size。`,
  }),
  "quantize/both": (_: Record<string, never>) => ({
    en: "--quantize and --dequantize do not go together. Choose one.",
    zh: "--quantize 与 --dequantize 不能同时使用，请选择其一。",
  }),
  "quantize/without-flag": (f: { flags: string[] }) => ({
    en: `${f.flags.join(", ")} only has a meaning with -q (--quantize). Add -q.`,
    zh: `${f.flags.join("、")} 只有配合 -q（--quantize）才有意义。请加上 -q。`,
  }),
  "quantize/recipe-mode": (f: { recipe: string; mode: string }) => ({
    en: `--quant-predicate ${f.recipe} is made of affine quantization and does not go with --q-mode ${f.mode}. Leave out one of them.`,
    zh: `--quant-predicate ${f.recipe} 使用 affine 量化，不能与 --q-mode ${f.mode} 同时使用。请去掉其中一个。`,
  }),
  "convert/not-quantized": (f: { source: string }) => ({
    en: `No layer of ${f.source} is quantized: there is nothing to de-quantize. Leave out --dequantize.`,
    zh: `${f.source} 没有量化过的层，无需反量化。请去掉 --dequantize。`,
  }),
  "convert/working": (f: { source: string; target: string }) => ({
    en: `Converting ${f.source} to ${f.target} …`,
    zh: `正在将 ${f.source} 转换为 ${f.target} ……`,
  }),
  "convert/stopped": (f: { target: string }) => ({
    en: `Stopped. Nothing was written to ${f.target}.`,
    zh: `已停止，未向 ${f.target} 写入任何内容。`,
  }),
  "convert/saved": (f: { path: string; bytes: number; bits: number; layers: number; peakBytes: number }) => ({
    en: `Saved to ${f.path}: ${size(f.bytes)}, ${f.bits.toFixed(3)} bits per weight${f.layers > 0 ? `, ${f.layers} layers quantized` : ""}. Peak memory: ${size(f.peakBytes)}.`,
    zh: `已保存到 ${f.path}：${size(f.bytes)}，平均每个权重 ${f.bits.toFixed(3)} 位${f.layers > 0 ? `，量化了 ${f.layers} 层` : ""}。内存峰值：${size(f.peakBytes)}。`,
  }),
  "convert/unfit": (f: { layers: string[] }) => ({
    en: `${f.layers.length} layers stay as they are, because their columns do not divide into groups: ${shortened(f.layers, ", ")}.`,
    zh: `有 ${f.layers.length} 层保持不变，因为其列数不能按组整除：${shortened(f.layers, "、")}。`,
  }),
  "convert/too-large-to-compare": (f: { neededBytes: number; freeBytes: number; path: string }) => ({
    en: `Not compared with its source: both together need ${size(f.neededBytes)}, and ${size(f.freeBytes)} are free. "cygnet eval perplexity --model ${f.path} --data FILE" measures the copy alone.`,
    zh: `未与原模型对比：两者同时载入需要 ${size(f.neededBytes)}，而可用内存只有 ${size(f.freeBytes)}。可用 "cygnet eval perplexity --model ${f.path} --data FILE" 单独测量副本。`,
  }),
  "convert/quality": (f: {
    sourcePerplexity: number;
    sourceError: number;
    copyPerplexity: number;
    copyError: number;
    kl: number;
    agreement: number;
    tokens: number;
    text: string | undefined;
  }) => ({
    en: `Quality on ${f.tokens} tokens of ${f.text ?? "the built-in text"}:\n  perplexity     source ${error(f.sourcePerplexity, f.sourceError)}   copy ${error(f.copyPerplexity, f.copyError)}   (lower is better)\n  KL divergence  ${f.kl.toFixed(5)} nats a token   (0: the same predictions)\n  same likeliest next token  ${(100 * f.agreement).toFixed(1)} %`,
    zh: `在${f.text === undefined ? "内置文本" : ` ${f.text} `}的 ${f.tokens} 个词元上的质量：\n  困惑度  原模型 ${error(f.sourcePerplexity, f.sourceError)}   副本 ${error(f.copyPerplexity, f.copyError)}（越低越好）\n  KL 散度  每个词元 ${f.kl.toFixed(5)} nat（0 表示预测完全相同）\n  最可能的下一个词元相同的比例  ${(100 * f.agreement).toFixed(1)}%`,
  }),
  "evaluate/no-tokens": (f: { source: string }) => ({
    en: `${f.source} has fewer than two tokens: there is nothing to predict.`,
    zh: `${f.source} 不足两个词元，没有可预测的内容。`,
  }),
  "evaluate/perplexity": (f: {
    model: string;
    adapter: string | undefined;
    perplexity: number;
    standardError: number;
    loss: number;
  }) => ({
    en: `${f.adapter ? `  with ${f.adapter}` : f.model}: perplexity ${error(f.perplexity, f.standardError)}, loss ${f.loss.toFixed(4)}`,
    zh: `${f.adapter ? `  加上 ${f.adapter}` : f.model}：困惑度 ${error(f.perplexity, f.standardError)}，损失 ${f.loss.toFixed(4)}`,
  }),
  "evaluate/tokens": (f: { tokens: number; rows: number; path: string; seconds: number }) => ({
    en: `${f.tokens} tokens predicted in ${f.rows} rows of ${f.path}, ${(f.tokens / f.seconds).toFixed(0)} tokens/s`,
    zh: `在 ${f.path} 的 ${f.rows} 行中预测了 ${f.tokens} 个词元，${(f.tokens / f.seconds).toFixed(0)} 词元/秒`,
  }),
};

function size(bytes: number): string {
  return bytes >= 1e8 ? `${(bytes / 1e9).toFixed(2)} GB` : `${(bytes / 1e6).toFixed(2)} MB`;
}

function error(value: number, standardError: number): string {
  return `${value.toFixed(3)} ± ${standardError.toFixed(3)}`;
}

function shortened(names: readonly string[], separator: string): string {
  return names.slice(0, 3).join(separator) + (names.length > 3 ? `${separator}…` : "");
}
