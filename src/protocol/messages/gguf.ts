/** What is wrong at a place of a GGUF file. */
export type GgufDamage =
  | { kind: "short" }
  | { kind: "alignment" | "value-type" | "string"; found: number }
  | { kind: "count"; found: number; left: number }
  | { kind: "dimensions"; name: string; found: number }
  | { kind: "shape"; name: string; shape: readonly number[] }
  | { kind: "beyond"; name: string; end: number; size: number };

export const ggufMessages = {
  "gguf/no-gguf": (f: { path: string; found: string }) => ({
    en: `${f.path} is no GGUF file: it begins with ${JSON.stringify(f.found)}, not with "GGUF".`,
    zh: `${f.path} 不是 GGUF 文件：开头是 ${JSON.stringify(f.found)}，而不是 "GGUF"。`,
  }),
  "gguf/version": (f: { path: string; version: number }) => ({
    en: `${f.path} is a GGUF file of version ${f.version}${f.version > 0xffff ? " (or big-endian)" : ""}. Versions 2 and 3, little-endian, can be read. Convert it with a current llama.cpp, or download another copy.`,
    zh: `${f.path} 是版本 ${f.version} 的 GGUF 文件${f.version > 0xffff ? "（或为大端序）" : ""}，只能读取小端序的版本 2 和 3。请用新版 llama.cpp 转换，或另行下载。`,
  }),
  "gguf/damaged": (f: { path: string; offset: number; problem: GgufDamage }) => ({
    en: `${f.path} is damaged at byte ${f.offset}: ${damageEn(f.problem)}. Download or export it again.`,
    zh: `${f.path} 在第 ${f.offset} 字节处损坏：${damageZh(f.problem)}。请重新下载或导出。`,
  }),
  "gguf/tensor-type": (f: { path: string; name: string; id: number; known: readonly string[] }) => ({
    en: `${f.name} in ${f.path} has ggml's tensor type ${f.id}, which Cygnet cannot read. It reads ${f.known.join(", ")}. Use a copy of the model in one of these.`,
    zh: `${f.path} 中的 ${f.name} 是 ggml 张量类型 ${f.id}，Cygnet 无法读取。可读取的类型：${f.known.join("、")}。请换用这些类型的文件。`,
  }),
  "gguf/shards": (f: { path: string; count: number; first: string; missing: readonly string[] }) => ({
    en: `${f.path} is one of ${f.count} files of a model. Give the first, ${f.first}, with the others beside it${f.missing.length > 0 ? `; not there: ${f.missing.join(", ")}` : ""}.`,
    zh: `${f.path} 是一个模型的 ${f.count} 个文件之一。请给出第一个文件 ${f.first}，其余文件须与它放在一起${f.missing.length > 0 ? `；缺少：${f.missing.join("、")}` : ""}。`,
  }),
  "gguf/family": (f: { type: string; source: string; supported: readonly string[] }) => ({
    en: `${f.source} is a ${f.type} model, which Cygnet cannot write as GGUF. It writes ${f.supported.join(", ")}.`,
    zh: `${f.source} 是 ${f.type} 模型，Cygnet 无法导出为 GGUF。可以导出的有：${f.supported.join("、")}。`,
  }),
  "gguf/setting": (f: { setting: string; architecture: string; source: string }) => ({
    en: `llama.cpp would compute ${f.source} differently: its "${f.architecture}" architecture has nothing for ${f.setting} in config.json. Such a model runs in Cygnet only.`,
    zh: `llama.cpp 会对 ${f.source} 算出不同的结果：其 "${f.architecture}" 架构不支持 config.json 中的 ${f.setting}。这样的模型只能在 Cygnet 中运行。`,
  }),
  "gguf/tokenizer-kind": (f: { path: string; kind: string }) => ({
    en: `${f.path} is a ${f.kind} tokenizer. Cygnet writes BPE tokenizers as GGUF: byte-level ones, and SentencePiece with byte fallback.`,
    zh: `${f.path} 是 ${f.kind} 分词器。Cygnet 只能把 BPE 分词器写入 GGUF：字节级 BPE，以及带字节回退的 SentencePiece。`,
  }),
  "gguf/vocabulary-size": (f: { path: string; token: string; id: number; size: number }) => ({
    en: `${f.path} gives ${JSON.stringify(f.token)} the id ${f.id}, and the model's embedding has ${f.size} rows (vocab_size in config.json). Tokenizer and weights are not of one model.`,
    zh: `${f.path} 中 ${JSON.stringify(f.token)} 的编号是 ${f.id}，但模型的词嵌入只有 ${f.size} 行（config.json 的 vocab_size）。分词器与权重不属于同一个模型。`,
  }),
  "gguf/pre-tokenizer": (f: { path: string; steps: string; known: readonly string[] }) => ({
    en: `llama.cpp has no name that Cygnet knows for how ${f.path} cuts text into words: ${f.steps}. With a wrong one the model would see other tokens than in training. If you know the right name, give it: --pre-tokenizer NAME, such as ${f.known.join(", ")}.`,
    zh: `${f.path} 的切词方式（${f.steps}）在 llama.cpp 中没有 Cygnet 已知的对应名称。用错名称会使模型看到与训练时不同的词元。如果知道正确的名称，请用 --pre-tokenizer 名称 指定，例如 ${f.known.join("、")}。`,
  }),
  "gguf/no-imatrix": (f: { path: string }) => ({
    en: `${f.path} is neither text nor an importance matrix in GGUF. Give a text or JSONL file of typical use, or a matrix that a current llama-imatrix wrote (FILE.gguf).`,
    zh: `${f.path} 既不是文本，也不是 GGUF 格式的重要性矩阵。请给出代表实际用途的文本或 JSONL 文件，或由新版 llama-imatrix 生成的矩阵（文件名.gguf）。`,
  }),
  "gguf/imatrix-mismatch": (f: { name: string; found: number; expected: number }) => ({
    en: `The importance matrix is of another model: it has ${f.found} values for ${f.name}, which needs ${f.expected}.`,
    zh: `重要性矩阵属于另一个模型：其中 ${f.name} 有 ${f.found} 个值，而应有 ${f.expected} 个。`,
  }),
  "gguf/adapter-kind": (f: { adapter: string; kind: string }) => ({
    en: `${f.adapter} is a "${f.kind}" adapter, which llama.cpp cannot put on a model: it knows LoRA only. Merge it: leave out --adapter-only.`,
    zh: `${f.adapter} 是 "${f.kind}" 适配器，llama.cpp 只支持 LoRA，无法单独加载它。请去掉 --adapter-only，将其合并导出。`,
  }),
  "gguf/adapter-layer": (f: { adapter: string; path: string }) => ({
    en: `${f.adapter} changes ${f.path}, which Cygnet cannot write into an adapter for llama.cpp. Merge it: leave out --adapter-only.`,
    zh: `${f.adapter} 修改了 ${f.path}，无法写入 llama.cpp 的适配器文件。请去掉 --adapter-only，将其合并导出。`,
  }),
  "gguf/adapter-only-without": (_: Record<string, never>) => ({
    en: "--adapter-only writes the adapter that --adapter-path names. Give --adapter-path.",
    zh: "--adapter-only 只写出 --adapter-path 指定的适配器，请给出 --adapter-path。",
  }),
  "gguf/imatrix-unused": (f: { type: string }) => ({
    en: `--imatrix changes nothing in a file of type ${f.type}: it guides how weights are packed in less than 8 bits.`,
    zh: `--imatrix 对 ${f.type} 类型的文件不起作用：它只影响 8 位以下的量化。`,
  }),
  "gguf/shard-size": (f: { text: string }) => ({
    en: `--split-max-size ${f.text} is no size. Give a number with M or G, such as 2G.`,
    zh: `--split-max-size ${f.text} 不是有效的大小。请给出带 M 或 G 的数字，例如 2G。`,
  }),
  "export/measuring": (f: { path: string; rows: number }) => ({
    en: `Measuring on ${f.path} which weights matter most (${f.rows} rows) …`,
    zh: `正在用 ${f.path} 测量各权重的重要性（${f.rows} 行）……`,
  }),
  "gguf/architecture": (f: { path: string; name: string; known: readonly string[] }) => ({
    en: `${f.path} holds a model of llama.cpp's architecture "${f.name}". Cygnet reads ${f.known.join(", ")}.`,
    zh: `${f.path} 中的模型属于 llama.cpp 的 "${f.name}" 架构。Cygnet 可以读取 ${f.known.join("、")}。`,
  }),
  "gguf/metadata": (f: { path: string; problems: readonly string[] }) => ({
    en: `${f.path} lacks metadata of a model: ${f.problems.slice(0, 3).join("; ")}. It may hold something else, such as an adapter or an importance matrix.`,
    zh: `${f.path} 缺少模型的元数据：${f.problems.slice(0, 3).join("；")}。它可能不是模型，而是适配器或重要性矩阵等。`,
  }),
  "gguf/rope-scaling": (f: { path: string; type: string }) => ({
    en: `${f.path} stretches positions in a way that Cygnet does not compute (${f.type}). It knows linear stretching and Llama 3's.`,
    zh: `${f.path} 使用了 Cygnet 不支持的位置扩展方式（${f.type}）。支持的有线性扩展和 Llama 3 的方式。`,
  }),
  "gguf/vocabulary-kind": (f: { path: string; kind: string }) => ({
    en: `${f.path} has a vocabulary of the kind "${f.kind}". Cygnet reads "gpt2" (byte-level BPE) and "llama" (SentencePiece BPE).`,
    zh: `${f.path} 的词表类型是 "${f.kind}"。Cygnet 可以读取 "gpt2"（字节级 BPE）和 "llama"（SentencePiece BPE）。`,
  }),
  "gguf/unknown-pre-tokenizer": (f: { path: string; name: string }) => ({
    en: `${f.path} cuts text into words as "${f.name}" does, which Cygnet does not know. Use the model's folder on a hub, which has its tokenizer.json.`,
    zh: `${f.path} 的切词方式是 "${f.name}"，Cygnet 不了解它。请使用平台上带有 tokenizer.json 的模型文件夹。`,
  }),
  "gguf/unknown-tensor": (f: { path: string; name: string }) => ({
    en: `${f.path} has a tensor ${f.name} that its architecture has no place for in Cygnet. The model is of a variant that cannot be read.`,
    zh: `${f.path} 中的张量 ${f.name} 在 Cygnet 的该架构中没有对应位置。这是无法读取的模型变体。`,
  }),
  "gguf/unpacking": (f: { path: string; folder: string }) => ({
    en: `Unpacking ${f.path} into ${f.folder}, which is used from now on …`,
    zh: `正在将 ${f.path} 解包到 ${f.folder}，以后直接使用该目录……`,
  }),
  "gguf/output-name": (f: { path: string }) => ({
    en: `--output ${f.path} must be a file that ends in .gguf.`,
    zh: `--output ${f.path} 必须是以 .gguf 结尾的文件。`,
  }),
  "gguf/output-exists": (f: { path: string }) => ({
    en: `${f.path} exists. Choose another file, or give --force to replace it.`,
    zh: `${f.path} 已存在。请换一个文件名，或用 --force 覆盖。`,
  }),
  "export/working": (f: { source: string; output: string; type: string }) => ({
    en: `Writing ${f.source} as ${f.output} (${f.type}) …`,
    zh: `正在将 ${f.source} 写为 ${f.output}（${f.type}）……`,
  }),
  "export/progress": (f: { done: number; total: number }) => ({
    en: `${f.done} of ${f.total} tensors`,
    zh: `已写入 ${f.done} / ${f.total} 个张量`,
  }),
  "export/stopped": (f: { output: string }) => ({
    en: `Stopped. ${f.output} was not written.`,
    zh: `已停止，未写入 ${f.output}。`,
  }),
  "export/saved": (f: { paths: readonly string[]; bytes: number; bits: number; peakBytes: number }) => ({
    en: `Saved ${f.paths.length === 1 ? f.paths[0] : `${f.paths.length} files, the first ${f.paths[0]}`}: ${size(f.bytes)}, ${f.bits.toFixed(2)} bits per weight. Peak memory: ${size(f.peakBytes)}.`,
    zh: `已保存${f.paths.length === 1 ? `到 ${f.paths[0]}` : ` ${f.paths.length} 个文件，第一个是 ${f.paths[0]}`}：${size(f.bytes)}，平均每个权重 ${f.bits.toFixed(2)} 位。内存峰值：${size(f.peakBytes)}。`,
  }),
};

function damageEn(problem: GgufDamage): string {
  switch (problem.kind) {
    case "short":
      return "the file ends there";
    case "alignment":
      return `tensors cannot be aligned to ${problem.found} bytes`;
    case "value-type":
      return `there is no type ${problem.found} of metadata`;
    case "string":
      return `a string of ${problem.found} bytes`;
    case "count":
      return `it says that ${problem.found} entries follow, and ${problem.left} bytes are left`;
    case "dimensions":
      return `${problem.name} has ${problem.found} dimensions`;
    case "shape":
      return `${problem.name} has the impossible shape [${problem.shape}]`;
    case "beyond":
      return `${problem.name} would end at byte ${problem.end}, and the file has ${problem.size}`;
  }
}

function damageZh(problem: GgufDamage): string {
  switch (problem.kind) {
    case "short":
      return "文件到此中断";
    case "alignment":
      return `张量无法按 ${problem.found} 字节对齐`;
    case "value-type":
      return `元数据类型 ${problem.found} 不存在`;
    case "string":
      return `字符串长达 ${problem.found} 字节`;
    case "count":
      return `声明后面有 ${problem.found} 项，但只剩 ${problem.left} 字节`;
    case "dimensions":
      return `${problem.name} 有 ${problem.found} 个维度`;
    case "shape":
      return `${problem.name} 的形状 [${problem.shape}] 不可能存在`;
    case "beyond":
      return `${problem.name} 应在第 ${problem.end} 字节结束，而文件只有 ${problem.size} 字节`;
  }
}

function size(bytes: number): string {
  return bytes >= 1e8 ? `${(bytes / 1e9).toFixed(2)} GB` : `${(bytes / 1e6).toFixed(2)} MB`;
}
