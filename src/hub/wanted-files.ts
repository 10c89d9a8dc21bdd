import type { RemoteFile, RepositoryKind } from "./repository.ts";

/** What a model is made of, beside its weights. All at the top: folders hold other formats and older copies. */
const parts = [
  /^(config|generation_config|model\.safetensors\.index)\.json$/,
  /^(tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab|chat_template)\.json$/,
  /^(merges|vocab)\.txt$/,
  /^(tokenizer\.model|[^/]+\.tiktoken|tiktoken\.model)$/,
  /^(chat_template\.jinja|(additional_)?chat_templates\/[^/]+\.jinja)$/,
];
const weights = /^model[^/]*\.safetensors$/;
/** What tells about a model, and is not needed to use it. */
const papers = /^(README|LICEN[CS]E|NOTICE|USE_POLICY|configuration)[^/]*$/i;

export interface WantedFiles {
  /** Without one of these the copy is not complete. */
  needed: RemoteFile[];
  extra: RemoteFile[];
}

/** The files that Cygnet downloads: weights as safetensors only, no second copies in other formats. */
export function wantedFiles(files: readonly RemoteFile[], kind: RepositoryKind): WantedFiles {
  if (kind === "dataset") return wantedData(files);
  const needed = files.filter(({ path }) => weights.test(path) || parts.some((part) => part.test(path)));
  return { needed, extra: files.filter(({ path }) => papers.test(path)) };
}

/** A data set's `{train,valid,test}.jsonl` where it has them, which is what is trained on; otherwise all of it. */
function wantedData(files: readonly RemoteFile[]): WantedFiles {
  const own = files.filter(({ path }) => !/^\.git(attributes|ignore)$/.test(path));
  const ready = own.filter(({ path }) => /^(train|valid|test)\.jsonl$/.test(path));
  const needed = ready.some(({ path }) => path === "train.jsonl") ? ready : own;
  return { needed, extra: own.filter((file) => papers.test(file.path) && !needed.includes(file)) };
}

/** The files that match one of the patterns, in which `*` stands for any text. */
export function matchingFiles(files: readonly RemoteFile[], patterns: readonly string[]): WantedFiles {
  const escaped = patterns.map((pattern) => pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*"));
  const expressions = escaped.map((pattern) => new RegExp(`^${pattern}$`));
  return { needed: files.filter(({ path }) => expressions.some((each) => each.test(path))), extra: [] };
}

export function hasWeights(files: readonly RemoteFile[]): boolean {
  return files.some(({ path }) => weights.test(path));
}

/** Names of weights in formats that Cygnet does not read. */
export function foreignWeights(files: readonly RemoteFile[]): string[] {
  return files.map(({ path }) => path).filter((path) => /\.(bin|pth|pt|gguf|onnx|h5|msgpack|npz)$/.test(path));
}
