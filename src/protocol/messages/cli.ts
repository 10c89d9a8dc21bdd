const either = (possible: string | undefined, en: string, zh: string) =>
  possible === undefined ? { en: "", zh: "" } : { en: ` ${en} ${possible}?`, zh: `${zh} ${possible}？` };

export interface Part {
  file: string;
  rows: number;
}

export const cliMessages = {
  "cli/about": (_: Record<string, never>) => ({
    en: "Fine-tune large language models on this machine.",
    zh: "在本机微调大语言模型。",
  }),
  "cli/see-help": (_: Record<string, never>) => ({
    en: "cygnet COMMAND --help tells a command's flags.",
    zh: "用 cygnet 命令 --help 查看某个命令的参数。",
  }),
  "cli/usage": (_: Record<string, never>) => ({ en: "Usage:", zh: "用法：" }),
  "cli/options": (_: Record<string, never>) => ({ en: "Options:", zh: "选项：" }),
  "cli/arguments": (_: Record<string, never>) => ({ en: "Arguments:", zh: "参数：" }),
  "cli/commands": (_: Record<string, never>) => ({ en: "Commands:", zh: "命令：" }),
  "cli/default": (f: { value: string }) => ({ en: `(default: ${f.value})`, zh: `（默认：${f.value}）` }),
  "cli/choices": (f: { choices: readonly string[] }) => ({
    en: `(${f.choices.join(", ")})`,
    zh: `（${f.choices.join("、")}）`,
  }),
  "cli/flag-off": (f: { description: string }) => ({ en: `off: ${f.description}`, zh: `关闭：${f.description}` }),
  "cli/flag-json": (_: Record<string, never>) => ({
    en: "print the result as JSON on standard output",
    zh: "以 JSON 格式把结果输出到标准输出",
  }),
  "cli/flag-lang": (_: Record<string, never>) => ({
    en: "language of messages: en or zh (default: from LC_ALL, LC_MESSAGES, LANG)",
    zh: "消息语言：en 或 zh（默认取自 LC_ALL、LC_MESSAGES、LANG）",
  }),
  "cli/flag-help": (_: Record<string, never>) => ({ en: "show this help", zh: "显示此帮助" }),
  "cli/flag-version": (_: Record<string, never>) => ({ en: "show the version", zh: "显示版本" }),

  "cli/unknown-command": (f: { given: string; nearest: string | undefined }) => {
    const guess = either(f.nearest, "Did you mean", "是否想用");
    return {
      en: `There is no command "${f.given}".${guess.en} cygnet --help lists them.`,
      zh: `没有名为“${f.given}”的命令。${guess.zh}用 cygnet --help 查看全部命令。`,
    };
  },
  "cli/unknown-flag": (f: { given: string; command: string; nearest: string | undefined }) => {
    const guess = either(f.nearest, "Did you mean", "是否想用");
    return {
      en: `cygnet ${f.command} has no flag ${f.given}.${guess.en} cygnet ${f.command} --help lists them.`,
      zh: `cygnet ${f.command} 没有参数 ${f.given}。${guess.zh}用 cygnet ${f.command} --help 查看全部参数。`,
    };
  },
  "cli/missing-value": (f: { flag: string; command: string }) => ({
    en: `${f.flag} needs a value. cygnet ${f.command} --help says which.`,
    zh: `${f.flag} 后面需要一个值。用 cygnet ${f.command} --help 查看可用的值。`,
  }),
  "cli/missing-argument": (f: { argument: string; command: string }) => ({
    en: `cygnet ${f.command} needs ${f.argument}. See cygnet ${f.command} --help.`,
    zh: `cygnet ${f.command} 缺少 ${f.argument}。请参阅 cygnet ${f.command} --help。`,
  }),
  "cli/excess-argument": (f: { argument: string; command: string; flag: string | undefined }) => {
    const meant = f.flag && `${f.flag} ${/\s/.test(f.argument) ? JSON.stringify(f.argument) : f.argument}`;
    return {
      en: `cygnet ${f.command} does not take the argument "${f.argument}". ${meant ? `Did you mean ${meant}?` : "A value with spaces needs quotes around it."}`,
      zh: `cygnet ${f.command} 不接受参数“${f.argument}”。${meant ? `是否想用 ${meant}？` : "含空格的值需要用引号括起来。"}`,
    };
  },
  "cli/wrong-values": (f: { problems: readonly string[]; command: string }) => ({
    en: `${f.problems.join("\n")}\nSee cygnet ${f.command} --help.`,
    zh: `${f.problems.join("\n")}\n请参阅 cygnet ${f.command} --help。`,
  }),
  "cli/required": (f: { flag: string; description: string; isModel: boolean }) => ({
    en: `${f.flag} is required: ${f.description}.${f.isModel ? ' "cygnet models list" shows what is downloaded, "cygnet models recommend" what to download.' : ""}`,
    zh: `缺少 ${f.flag}：${f.description}。${f.isModel ? "用 cygnet models list 查看已下载的模型，用 cygnet models recommend 查看推荐的模型。" : ""}`,
  }),
  "cli/wrong-value": (f: { flag: string; found: string; expected: string }) => ({
    en: `${f.flag} is ${f.found}: expected ${f.expected}`,
    zh: `${f.flag} 的值为 ${f.found}：需要${f.expected}`,
  }),
  "cli/wrong-language": (f: { given: string }) => ({
    en: `--lang is "${f.given}": possible are en and zh.`,
    zh: `--lang 的值为“${f.given}”：可用的值有 en、zh。`,
  }),
  "cli/bug": (_: Record<string, never>) => ({
    en: "This is a bug in Cygnet. Please report it with the text above and the output of cygnet doctor --json.",
    zh: "这是 Cygnet 的缺陷。请附上以上文字和 cygnet doctor --json 的输出进行反馈。",
  }),

  "expected/boolean": (_: Record<string, never>) => ({ en: "true or false", zh: " true 或 false" }),
  "expected/text": (_: Record<string, never>) => ({ en: "text", zh: "文本" }),
  "expected/json": (_: Record<string, never>) => ({ en: "JSON", zh: " JSON" }),
  "expected/choice": (f: { choices: readonly string[] }) => ({
    en: f.choices.length > 1 ? `${f.choices.slice(0, -1).join(", ")} or ${f.choices.at(-1)}` : f.choices.join(),
    zh: ` ${f.choices.length > 1 ? `${f.choices.slice(0, -1).join("、")} 或 ${f.choices.at(-1)}` : f.choices.join()}`,
  }),
  "expected/list": (f: { of: string }) => ({ en: `a list, each entry ${f.of}`, zh: `列表，每一项为${f.of}` }),
  "expected/numbers": (f: { count: number }) => ({ en: `a list of ${f.count} numbers`, zh: `${f.count} 个数字的列表` }),
  "expected/mapping": (f: { keys: readonly string[] }) => ({
    en: `a mapping with the keys ${f.keys.join(", ")}`,
    zh: `映射，可用的键有 ${f.keys.join("、")}`,
  }),
  "expected/number": (f: {
    whole: boolean;
    minimum: number | undefined;
    maximum: number | undefined;
    below: number | undefined;
  }) => {
    const en = [f.whole ? "a whole number" : "a number"];
    const zh = [f.whole ? "整数" : "数字"];
    if (f.minimum !== undefined) {
      en.push(`at least ${f.minimum}`);
      zh.push(`不小于 ${f.minimum}`);
    }
    if (f.maximum !== undefined) {
      en.push(`at most ${f.maximum}`);
      zh.push(`不大于 ${f.maximum}`);
    }
    if (f.below !== undefined) {
      en.push(`below ${f.below}`);
      zh.push(`小于 ${f.below}`);
    }
    return { en: en.join(", "), zh: zh.join("，") };
  },

  "doctor/row-cygnet": (_: Record<string, never>) => ({ en: "Cygnet", zh: "Cygnet" }),
  "doctor/row-system": (_: Record<string, never>) => ({ en: "System", zh: "系统" }),
  "doctor/row-node": (_: Record<string, never>) => ({ en: "Node.js", zh: "Node.js" }),
  "doctor/row-cpu": (_: Record<string, never>) => ({ en: "Processor", zh: "处理器" }),
  "doctor/row-features": (_: Record<string, never>) => ({ en: "Instructions", zh: "指令集" }),
  "doctor/row-memory": (_: Record<string, never>) => ({ en: "Memory", zh: "内存" }),
  "doctor/row-disk": (_: Record<string, never>) => ({ en: "Disk", zh: "磁盘" }),
  "doctor/row-mlx": (_: Record<string, never>) => ({ en: "MLX", zh: "MLX" }),
  "doctor/row-device": (_: Record<string, never>) => ({ en: "Device", zh: "计算设备" }),
  "doctor/row-kernels": (_: Record<string, never>) => ({ en: "CPU kernels", zh: "CPU 算子" }),
  "doctor/row-dtype": (_: Record<string, never>) => ({ en: "Computes in", zh: "计算精度" }),
  "doctor/row-language": (_: Record<string, never>) => ({ en: "Language", zh: "语言" }),
  "doctor/cores": (f: { total: number; available: number }) => ({
    en: `${f.available} of ${f.total} cores`,
    zh: `${f.total} 核中可用 ${f.available} 核`,
  }),
  "doctor/memory": (f: { total: string; free: string }) => ({
    en: `${f.total} GB, ${f.free} GB free`,
    zh: `共 ${f.total} GB，可用 ${f.free} GB`,
  }),
  "doctor/free": (f: { free: string }) => ({ en: `${f.free} GB free here`, zh: `当前位置可用 ${f.free} GB` }),
  "doctor/kernels": (f: { isa: string; threads: number }) => ({
    en: `${f.isa}, ${f.threads} threads`,
    zh: `${f.isa}，${f.threads} 个线程`,
  }),
  "doctor/dtype": (f: { dtype: string }) => ({
    en: `${f.dtype} for half-precision models, float32 for float32 ones`,
    zh: `半精度模型用 ${f.dtype}，float32 模型用 float32`,
  }),
  "doctor/ok": (_: Record<string, never>) => ({
    en: "Ready. Try it: npm run demo",
    zh: "一切就绪。试一试：npm run demo",
  }),
  "doctor/not-ok": (_: Record<string, never>) => ({
    en: "MLX is not ready, so nothing can be computed. Get it with: npm run setup",
    zh: "MLX 尚未就绪，无法进行计算。请运行：npm run setup",
  }),

  "convert/recognised": (f: { file: string; forms: string }) => ({
    en: `${f.file}: ${f.forms}`,
    zh: `${f.file}：${f.forms}`,
  }),
  "convert/made": (f: { rows: number; train: Part; valid: Part }) => ({
    en: `${f.rows} rows made: ${f.train.rows} in ${f.train.file}, ${f.valid.rows} in ${f.valid.file}`,
    zh: `共生成 ${f.rows} 条：${f.train.file} 中 ${f.train.rows} 条，${f.valid.file} 中 ${f.valid.rows} 条`,
  }),
  "convert/duplicates": (f: { rows: number }) => ({
    en: `${f.rows} of them repeat one before them`,
    zh: `其中 ${f.rows} 条与前面的重复`,
  }),
  "convert/left-out": (f: { rows: number }) => ({ en: `${f.rows} left out:`, zh: `未采用 ${f.rows} 条：` }),
  "convert/more": (f: { rows: number }) => ({
    en: `  and ${f.rows} more; --json lists all`,
    zh: `  以及另外 ${f.rows} 条；用 --json 可列出全部`,
  }),

  "command/doctor": (_: Record<string, never>) => ({
    en: "show what this machine has: system, memory, processor, MLX, language",
    zh: "检查本机环境：系统、内存、处理器、MLX、语言",
  }),
  "command/models-recommend": (_: Record<string, never>) => ({
    en: "base models to tune that fit this machine",
    zh: "推荐适合本机微调的基础模型",
  }),
  "command/models-info": (_: Record<string, never>) => ({
    en: "what a model is, its licence, and the memory it needs to run and to train",
    zh: "查看模型信息、许可证，以及推理和训练所需的内存",
  }),
  "command/models-list": (_: Record<string, never>) => ({
    en: "models and data sets that were downloaded",
    zh: "列出已下载的模型和数据集",
  }),
  "command/models-remove": (_: Record<string, never>) => ({
    en: "remove downloaded models and data sets",
    zh: "删除已下载的模型和数据集",
  }),
  "command/pull": (_: Record<string, never>) => ({
    en: "download a model or a data set from Hugging Face or ModelScope",
    zh: "从 Hugging Face 或 ModelScope（魔搭）下载模型或数据集",
  }),
  "command/data": (_: Record<string, never>) => ({ en: "prepare training data", zh: "准备训练数据" }),
  "command/data-convert": (_: Record<string, never>) => ({
    en: "turn self-cognition, alpaca, ShareGPT and prompt/completion files into training data",
    zh: "将自我认知、alpaca、ShareGPT 及 prompt/completion 文件转换为训练数据",
  }),
  "command/train": (_: Record<string, never>) => ({
    en: "fine-tune a model: LoRA, QLoRA or full",
    zh: "微调模型：LoRA、QLoRA 或全参数",
  }),
  "command/generate": (_: Record<string, never>) => ({ en: "answer a prompt with a model", zh: "用模型回答一个提示" }),
  "command/chat": (_: Record<string, never>) => ({
    en: "talk with a model, or with base and tuned side by side",
    zh: "与模型对话，或并排对比微调前后的回答",
  }),
  "command/compare": (_: Record<string, never>) => ({
    en: "ask the base model and the tuned one the same, side by side and scored",
    zh: "并排对比微调前后的回答并评分",
  }),
  "command/serve": (_: Record<string, never>) => ({
    en: "answer over HTTP: OpenAI API, many clients and adapters at once",
    zh: "通过 HTTP 提供服务：兼容 OpenAI 接口，同时服务多个客户端与适配器",
  }),
  "command/fuse": (_: Record<string, never>) => ({
    en: "merge an adapter into its base model",
    zh: "将适配器合并到基础模型",
  }),
  "command/export-gguf": (_: Record<string, never>) => ({
    en: "write a model as a GGUF file for llama.cpp, Ollama and LM Studio",
    zh: "将模型导出为 GGUF 文件，供 llama.cpp、Ollama 和 LM Studio 使用",
  }),
  "command/convert": (_: Record<string, never>) => ({
    en: "make a quantized, de-quantized or retyped copy of a model",
    zh: "生成模型的量化、反量化或其他精度的副本",
  }),
  "command/export-peft": (_: Record<string, never>) => ({
    en: "write an adapter for PEFT, vLLM and others that read its format",
    zh: "导出 PEFT 格式的适配器，供 PEFT、vLLM 等使用",
  }),
  "command/eval-perplexity": (_: Record<string, never>) => ({
    en: "measure how well a model predicts a text, with and without an adapter",
    zh: "测量模型对文本的预测能力（困惑度），可对比有无适配器",
  }),
  "command/bench-serve": (_: Record<string, never>) => ({
    en: "load-test any OpenAI-compatible server: time to first token, tokens per second, at one or many clients",
    zh: "对任意兼容 OpenAI 接口的服务做压力测试：首词元延迟、吞吐量，支持多级并发",
  }),
  "command/bench-compare": (_: Record<string, never>) => ({
    en: "set two load tests side by side",
    zh: "并排对比两次压力测试的结果",
  }),
  "command/demo": (_: Record<string, never>) => ({
    en: "see it once: teach the embedded model a new name, no download",
    zh: "快速体验：教内置模型一个新名字，无需下载",
  }),
};
