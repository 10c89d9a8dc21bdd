export const tokenizerMessages = {
  "tokenizer/missing": (f: { folder: string }) => ({
    en: `No tokenizer in ${f.folder}: there is no tokenizer.json, tokenizer.model or *.tiktoken. Download the model again with all its files.`,
    zh: `${f.folder} 中没有分词器：找不到 tokenizer.json、tokenizer.model 或 *.tiktoken。请重新下载模型的全部文件。`,
  }),
  "tokenizer/sentencepiece-kind": (f: { path: string; kind: string }) => ({
    en: `${f.path} is a SentencePiece model of a kind that Cygnet cannot read (${f.kind}); BPE and Unigram models can be read. Use a copy of the model that has tokenizer.json.`,
    zh: `${f.path} 是 Cygnet 无法读取的 SentencePiece 模型（类型：${f.kind}）；可以读取的是 BPE 和 Unigram 模型。请换用带有 tokenizer.json 的版本。`,
  }),
  "tokenizer/unknown-tiktoken": (f: { path: string; size: number; known: string[] }) => ({
    en: `${f.path} has ${f.size} tokens, which is no tiktoken vocabulary that Cygnet knows: ${f.known.join(", ")}. How such a model cuts text is not in the file, so use a copy of the model that has tokenizer.json.`,
    zh: `${f.path} 有 ${f.size} 个词元，不是 Cygnet 已知的 tiktoken 词表：${f.known.join("、")}。该文件不包含切分文本的规则，请换用带有 tokenizer.json 的版本。`,
  }),
  "tokenizer/bad-file": (f: { path: string; reason: string }) => ({
    en: `${f.path} cannot be used: ${f.reason}\nDownload this file again.`,
    zh: `无法使用 ${f.path}：${f.reason}\n请重新下载该文件。`,
  }),
  "tokenizer/no-chat-template": (f: { folder: string }) => ({
    en: `The model in ${f.folder} has no chat template, so it cannot take messages (base models often have none). Use an instruct model, use plain text instead ("text" rows, --ignore-chat-template), or put a chat_template.jinja into the folder.`,
    zh: `${f.folder} 中的模型没有对话模板，不能处理 messages 对话（基座模型通常没有模板）。可以换用 Instruct 模型，改用纯文本（"text" 数据、--ignore-chat-template），或在该目录中放入 chat_template.jinja。`,
  }),
  "tokenizer/no-default-template": (f: { folder: string; names: string }) => ({
    en: `The model in ${f.folder} has several chat templates and none is called "default": ${f.names}. Put the one to use into chat_template.jinja in that folder.`,
    zh: `${f.folder} 中的模型有多个对话模板，但没有名为 "default" 的：${f.names}。请把要用的模板保存为该目录下的 chat_template.jinja。`,
  }),
  "tokenizer/unknown-template": (f: { folder: string; name: string; names: string[] }) => ({
    en: `The model in ${f.folder} has no chat template called "${f.name}". It has: ${f.names.join(", ") || "none"}.`,
    zh: `${f.folder} 中的模型没有名为 "${f.name}" 的对话模板。已有模板：${f.names.join("、") || "无"}。`,
  }),
  "tokenizer/template-failed": (f: { reason: string }) => ({
    en: `The model's chat template does not accept this conversation: ${f.reason}`,
    zh: `模型的对话模板不接受这段对话：${f.reason}`,
  }),
  "tokenizer/nothing-to-continue": (_: Record<string, never>) => ({
    en: "The last message cannot be continued: it must have text, and the model's chat template must keep that text.",
    zh: "无法续写最后一条消息：它必须包含文本，并且模型的对话模板会保留这段文本。",
  }),
};
