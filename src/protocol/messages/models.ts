const either = (name: string | undefined) =>
  name === undefined ? { en: "", zh: "" } : { en: ` Did you mean ${name}?`, zh: `是否想用 ${name}？` };
const hubs = {
  hf: { en: "Hugging Face", zh: "Hugging Face" },
  modelscope: { en: "ModelScope", zh: "魔搭 ModelScope" },
};
const taskNames = {
  general: { en: "general use", zh: "通用场景" },
  chinese: { en: "Chinese", zh: "中文场景" },
  code: { en: "code", zh: "编程场景" },
  small: { en: "small models", zh: "小模型" },
};
const methods = {
  lora: { en: "LoRA", zh: "LoRA" },
  qlora: { en: "QLoRA on 4 bits", zh: "4 位 QLoRA" },
};
const uses = {
  yes: { en: "commercial use allowed", zh: "允许商用" },
  conditions: { en: "commercial use under conditions", zh: "有条件商用" },
  no: { en: "no commercial use", zh: "禁止商用" },
};

export const modelsMessages = {
  "models/hub": (f: { hub: "hf" | "modelscope" }) => hubs[f.hub],
  "models/head-name": (_: Record<string, never>) => ({ en: "NAME", zh: "名称" }),
  "models/head-hub": (_: Record<string, never>) => ({ en: "HUB", zh: "平台" }),
  "models/head-size": (_: Record<string, never>) => ({ en: "SIZE", zh: "大小" }),
  "models/data-set": (_: Record<string, never>) => ({ en: "data set", zh: "数据集" }),
  "models/incomplete": (_: Record<string, never>) => ({ en: "not complete", zh: "不完整" }),
  "models/total": (f: { count: number; size: string }) => ({
    en: `${f.count} in all, ${f.size}`,
    zh: `共 ${f.count} 个，${f.size}`,
  }),
  "models/none": (f: { folders: readonly string[]; cygnet: string }) => ({
    en: `No models yet in ${f.folders.join(" or ")}. Find one that fits: ${f.cygnet} models recommend`,
    zh: `${f.folders.join(" 和 ")} 中还没有模型。查看适合本机的模型：${f.cygnet} models recommend`,
  }),
  "models/not-cached": (f: { name: string; nearest: string | undefined }) => ({
    en: `${f.name} is not in the caches.${either(f.nearest).en} cygnet models list shows what is. Folders elsewhere are yours to remove.`,
    zh: `缓存中没有 ${f.name}。${either(f.nearest).zh}用 cygnet models list 查看已有的模型。其他位置的文件夹请自行删除。`,
  }),
  "models/not-asked": (_: Record<string, never>) => ({
    en: "Nobody can be asked here, and nothing was removed. Give --yes to remove without asking.",
    zh: "当前不是交互式终端，无法确认，没有删除任何内容。用 --yes 可直接删除。",
  }),
  "models/ask-remove": (f: { size: string }) => ({
    en: `Remove this and free ${f.size}? [y/N]`,
    zh: `删除以上内容并释放 ${f.size}？[y/N]`,
  }),
  "models/kept": (_: Record<string, never>) => ({ en: "Nothing was removed.", zh: "没有删除任何内容。" }),
  "models/removed": (f: { count: number; size: string }) => ({
    en: `Removed ${f.count}, ${f.size} freed.`,
    zh: `已删除 ${f.count} 个，释放 ${f.size}。`,
  }),

  "models/not-here": (f: { hub: "hf" | "modelscope" }) => ({
    en: `on ${hubs[f.hub].en}, not downloaded`,
    zh: `位于 ${hubs[f.hub].zh}，尚未下载`,
  }),
  "models/row-type": (_: Record<string, never>) => ({ en: "Architecture", zh: "架构" }),
  "models/row-parameters": (_: Record<string, never>) => ({ en: "Parameters", zh: "参数量" }),
  "models/row-tuning": (_: Record<string, never>) => ({ en: "Kind", zh: "类型" }),
  "models/row-context": (_: Record<string, never>) => ({ en: "Context", zh: "上下文" }),
  "models/row-licence": (_: Record<string, never>) => ({ en: "Licence", zh: "许可证" }),
  "models/row-disk": (_: Record<string, never>) => ({ en: "On disk", zh: "磁盘占用" }),
  "models/row-limit": (_: Record<string, never>) => ({ en: "This machine", zh: "本机" }),
  "models/supported": (f: { type: string }) => ({ en: `${f.type}, supported`, zh: `${f.type}，支持` }),
  "models/unsupported": (f: { type: string; supported: readonly string[] }) => ({
    en: `${f.type}, not supported by Cygnet (supported: ${f.supported.join(", ")})`,
    zh: `${f.type}，Cygnet 不支持（支持：${f.supported.join("、")}）`,
  }),
  "models/parameters": (f: {
    billions: number;
    active: number | undefined;
    bits: number | undefined;
    dtype: string;
  }) => {
    const format = {
      en: f.bits === undefined ? f.dtype : `${f.bits}-bit`,
      zh: f.bits === undefined ? f.dtype : `${f.bits} 位量化`,
    };
    const amount = (billions: number) =>
      billions >= 0.1
        ? { en: `${billions.toFixed(2)} billion`, zh: `${(billions * 10).toFixed(1)} 亿` }
        : { en: `${(billions * 1000).toFixed(2)} million`, zh: `${(billions * 1e5).toFixed(1)} 万` };
    const active = f.active === undefined ? undefined : amount(f.active);
    return {
      en: `${amount(f.billions).en}${active ? `, ${active.en} active` : ""}, ${format.en}`,
      zh: `${amount(f.billions).zh}${active ? `，激活 ${active.zh}` : ""}，${format.zh}`,
    };
  },
  "models/tuning": (f: { tuning: "base" | "instruct" | "unknown" }) =>
    ({
      base: {
        en: "base: continues text. Take it to learn a style or much plain text; instruct models follow instructions sooner",
        zh: "基座（Base）：用于续写。适合学习写作风格或大量纯文本；指令任务建议选 Instruct 版",
      },
      instruct: { en: "instruct: answers, the usual choice to tune", zh: "指令（Instruct）：能对话，微调通常选它" },
      unknown: {
        en: "its name and card do not say whether it is a base or an instruct model",
        zh: "名称和说明中没有写明是 Base 还是 Instruct",
      },
    })[f.tuning],
  "models/context": (f: { tokens: number | undefined }) => ({
    en: f.tokens === undefined ? "not stated" : `${f.tokens} tokens`,
    zh: f.tokens === undefined ? "未注明" : `${f.tokens} 个词元`,
  }),
  "models/licence": (f: {
    title: string | undefined;
    commercial: "yes" | "conditions" | "no" | undefined;
    note: string | undefined;
  }) => {
    if (f.title === undefined) {
      return { en: "not stated: ask its author before using it at work", zh: "未注明：商用前请先向作者确认" };
    }
    if (f.commercial === undefined) {
      return { en: `${f.title}: read it before commercial use`, zh: `${f.title}：商用前请阅读许可证原文` };
    }
    return {
      en: `${f.title}: ${uses[f.commercial].en}${f.note ? ` (${f.note})` : ""}`,
      zh: `${f.title}：${uses[f.commercial].zh}${f.note ? `（${f.note}）` : ""}`,
    };
  },
  "models/limit": (f: { limit: string; total: string; device: "cpu" | "gpu" }) => ({
    en: `${f.limit} of ${f.total} GB for models (${f.device === "gpu" ? "GPU" : "CPU"})`,
    zh: `共 ${f.total} GB，可供模型使用 ${f.limit} GB（${f.device === "gpu" ? "GPU" : "CPU"}）`,
  }),
  "models/need": (f: { what: "run" | "lora" | "qlora"; tokens: number }) =>
    ({
      run: { en: `Answer, ${f.tokens} tokens`, zh: `推理，${f.tokens} 词元` },
      lora: { en: `LoRA, 1 × ${f.tokens} tokens`, zh: `LoRA，1 × ${f.tokens} 词元` },
      qlora: { en: `QLoRA in 4 bits, 1 × ${f.tokens}`, zh: `4 位 QLoRA，1 × ${f.tokens} 词元` },
    })[f.what],
  "models/need-checkpointed": (_: Record<string, never>) => ({
    en: "  with --grad-checkpoint",
    zh: "  加 --grad-checkpoint",
  }),
  "models/verdict": (f: { need: string; spare: number }) => {
    const amount = Math.abs(f.spare).toFixed(1);
    return f.spare >= 0
      ? { en: `about ${f.need} GB: fits, ${amount} GB to spare`, zh: `约 ${f.need} GB：放得下，还剩 ${amount} GB` }
      : {
          en: `about ${f.need} GB: does not fit, ${amount} GB too much`,
          zh: `约 ${f.need} GB：放不下，超出 ${amount} GB`,
        };
  },
  "models/next": (f: { cygnet: string; name: string }) => ({
    en: `Get it: ${f.cygnet} pull ${f.name}`,
    zh: `下载：${f.cygnet} pull ${f.name}`,
  }),

  "recommend/head": (f: {
    total: string;
    limit: string;
    task: keyof typeof taskNames;
    rows: number;
    tokens: number;
    rank: number;
    layers: number;
    context: number;
  }) => ({
    en: `To tune for ${taskNames[f.task].en} on ${f.total} GB, of which models can take ${f.limit} GB. Training is counted with ${f.rows} row of ${f.tokens} tokens, rank ${f.rank}, the last ${f.layers} blocks, answering with ${f.context} tokens. Instruct models, as most tuning begins with them.`,
    zh: `${f.total} GB 内存（模型可用 ${f.limit} GB），${taskNames[f.task].zh}的微调推荐。训练按每批 ${f.rows} 条、${f.tokens} 词元、rank ${f.rank}、最后 ${f.layers} 层估算，推理按 ${f.context} 词元估算。均为 Instruct 版，大多数微调从它开始。`,
  }),
  "recommend/line": (f: {
    name: string;
    billions: number;
    why: string;
    licence: string;
    method: keyof typeof methods;
    train: string;
    spare: string;
    run: string;
    isGated: boolean;
  }) => ({
    en: `  ${f.name}  (${f.billions.toFixed(1)} billion parameters)\n    ${f.why}\n    ${methods[f.method].en} takes about ${f.train} GB: fits, ${f.spare} GB to spare. Answering takes ${f.run} GB.\n    ${f.licence}${f.isGated ? `\n    first accept its terms on https://huggingface.co/${f.name} and give a token (HF_TOKEN)` : ""}`,
    zh: `  ${f.name}（${(f.billions * 10).toFixed(0)} 亿参数）\n    ${f.why}\n    ${methods[f.method].zh} 约需 ${f.train} GB：放得下，还剩 ${f.spare} GB。推理约需 ${f.run} GB。\n    ${f.licence}${f.isGated ? `\n    需先在 https://huggingface.co/${f.name} 同意条款，并设置令牌 HF_TOKEN` : ""}`,
  }),
  "recommend/foot": (f: { cygnet: string; name: string }) => ({
    en: `More about one of them: ${f.cygnet} models info ${f.name}`,
    zh: `查看其中一个的详情：${f.cygnet} models info ${f.name}`,
  }),
  "recommend/none": (f: {
    total: string;
    limit: string;
    task: keyof typeof taskNames;
    name: string | undefined;
    need: string;
    /** The command that shows smaller models. */
    small: string | undefined;
  }) => ({
    en: `No model recommended for ${taskNames[f.task].en} can be tuned with ${f.limit} GB (of ${f.total} GB). The least demanding, ${f.name}, needs ${f.need} GB. Training with shorter rows (--max-seq-length), fewer blocks (--num-layers) and --grad-checkpoint needs less.${f.small ? `\nSmaller models: ${f.small}` : ""}`,
    zh: `可用的 ${f.limit} GB（共 ${f.total} GB）不足以微调${taskNames[f.task].zh}的推荐模型。要求最低的 ${f.name} 需要 ${f.need} GB。训练时可以缩短样本（--max-seq-length）、减少层数（--num-layers）或使用 --grad-checkpoint。${f.small ? `\n更小的模型：${f.small}` : ""}`,
  }),
};
