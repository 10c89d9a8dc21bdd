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
};

/** The first few of a list, and how many more there are. */
function listed(label: string, names: readonly string[]): string {
  if (names.length === 0) return "";
  const shown = names.slice(0, 5).join(", ");
  return `${label} (${names.length}): ${shown}${names.length > 5 ? ", …" : ""}.`;
}
