export const modelMessages = {
  "model/unsupported-rope": (f: { type: string; supported: string }) => ({
    en: `Rope scaling "${f.type}" in config.json is not supported. Supported: ${f.supported}.`,
    zh: `不支持 config.json 中的 rope 缩放 "${f.type}"。支持：${f.supported}。`,
  }),
  "model/rope-setting-missing": (f: { key: string; type: string }) => ({
    en: `Rope scaling "${f.type}" in config.json needs "${f.key}".`,
    zh: `config.json 中的 rope 缩放 "${f.type}" 缺少 "${f.key}"。`,
  }),
  "model/weights-mismatch": (f: { source: string; missing: string[]; unexpected: string[]; misshapen: string[] }) => ({
    en: `The weights of ${f.source} do not fit the model.${listed(" Missing", f.missing)}${listed(" Not in the model", f.unexpected)}${listed(" Other shape", f.misshapen)}`,
    zh: `${f.source} 的权重与模型不符。${listed("缺少", f.missing)}${listed("模型中没有", f.unexpected)}${listed("形状不同", f.misshapen)}`,
  }),
  "model/bad-config": (f: { source: string; problems: string[] }) => ({
    en: `The model config of ${f.source} cannot be used: ${f.problems.slice(0, 5).join("; ")}.`,
    zh: `${f.source} 的模型配置无法使用：${f.problems.slice(0, 5).join("；")}。`,
  }),
  "model/no-folder": (f: { folder: string; path: string }) => ({
    en: `No model at ${f.folder}: ${f.path} is missing. Give the folder of a downloaded Hugging Face model (config.json, *.safetensors, tokenizer.json).`,
    zh: `${f.folder} 不是模型目录：缺少 ${f.path}。请给出已下载的 Hugging Face 模型目录（含 config.json、*.safetensors、tokenizer.json）。`,
  }),
  "model/is-file": (f: { path: string }) => ({
    en: `${f.path} is a file. A model is a folder with config.json, *.safetensors and tokenizer.json, or ORG/NAME on a hub, such as Qwen/Qwen3-0.6B.`,
    zh: `${f.path} 是一个文件。模型应为文件夹（含 config.json、*.safetensors、tokenizer.json），或平台上的 组织/名称，例如 Qwen/Qwen3-0.6B。`,
  }),
  "model/no-such-name": (f: { name: string; nearest: string | undefined }) => ({
    en: `There is no folder ${f.name} here, and models on a hub are named ORG/NAME, such as Qwen/Qwen3-0.6B.${f.nearest ? ` Did you mean ${f.nearest}?` : ""} "cygnet models list" shows what is downloaded, "cygnet models recommend" what to download.`,
    zh: `本地没有文件夹 ${f.name}，而平台上的模型要写成 组织/名称，例如 Qwen/Qwen3-0.6B。${f.nearest ? `是否想用 ${f.nearest}？` : ""}用 cygnet models list 查看已下载的模型，用 cygnet models recommend 查看推荐的模型。`,
  }),
  "model/no-weights": (f: { folder: string; missing: string[] }) => ({
    en: `The weights in ${f.folder} are not complete: missing ${f.missing.join(", ")}. Download the model again.`,
    zh: `${f.folder} 中的权重不完整：缺少 ${f.missing.join("、")}。请重新下载模型。`,
  }),
  "model/unsupported-type": (f: { type: string; source: string; supported: string; nearest: string | undefined }) => ({
    en: `Model type "${f.type}" (${f.source}) is not supported.${f.nearest ? ` Nearest: ${f.nearest}.` : ""} Supported: ${f.supported}.`,
    zh: `不支持模型类型 "${f.type}"（${f.source}）。${f.nearest ? `最接近的是 ${f.nearest}。` : ""}支持：${f.supported}。`,
  }),
  "model/foreign-quantization": (f: { method: string }) => ({
    en: `The weights are quantized with "${f.method}". Supported: MLX quantization, or full precision. Use the model's original or an MLX version.`,
    zh: `权重使用了 "${f.method}" 量化。支持 MLX 量化或全精度。请使用该模型的原版或 MLX 版本。`,
  }),
  "model/quantization-missing": (f: { path: string }) => ({
    en: `${f.path} is stored packed, but config.json has no "quantization" entry that says how.`,
    zh: `${f.path} 以量化形式存储，但 config.json 中没有 "quantization" 说明量化方式。`,
  }),
};

/** The first few of a list, and how many more there are. */
function listed(label: string, names: readonly string[]): string {
  if (names.length === 0) return "";
  const shown = names.slice(0, 5).join(", ");
  return `${label} (${names.length}): ${shown}${names.length > 5 ? ", …" : ""}.`;
}
