export const dataMessages = {
  "data/no-folder": (f: { folder: string }) => ({
    en: `No data folder ${f.folder}. It must hold train.jsonl, and may hold valid.jsonl and test.jsonl; "cygnet data convert" makes them.`,
    zh: `找不到数据目录 ${f.folder}。其中应有 train.jsonl，还可以有 valid.jsonl 和 test.jsonl；可用 "cygnet data convert" 生成。`,
  }),
  "data/no-file": (f: { path: string }) => ({
    en: `No data file ${f.path}. Give a text file or a .jsonl file of rows.`,
    zh: `找不到数据文件 ${f.path}。请给出文本文件，或 .jsonl 数据文件。`,
  }),
  "data/unreadable": (f: { file: string; reason: string }) => ({
    en: `${f.file} cannot be read: ${f.reason}`,
    zh: `无法读取 ${f.file}：${f.reason}`,
  }),
  "data/no-rows": (f: { file: string }) => ({
    en: `${f.file} is missing or has no rows. Write one JSON object a line into it, for example {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}. Files of another form become such a folder with: cygnet data convert FILE… --output FOLDER`,
    zh: `${f.file} 不存在或没有数据。请每行写一个 JSON 对象，例如 {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}。其他格式的文件可以这样转换：cygnet data convert 文件… --output 文件夹`,
  }),
  "data/not-utf8": (f: { file: string; line: number }) => ({
    en: `${f.file}, line ${f.line}: this is not UTF-8 text. Save the file again as UTF-8.`,
    zh: `${f.file} 第 ${f.line} 行：不是 UTF-8 文本（可能是 GBK 编码）。请将文件另存为 UTF-8。`,
  }),
  "data/bad-rows": (f: { file: string; problems: string[]; more: number }) => ({
    en: `${f.file} has rows that cannot be used:\n${f.problems.map((problem) => `  ${problem}`).join("\n")}${f.more > 0 ? `\n  and ${f.more} more` : ""}`,
    zh: `${f.file} 中有无法使用的数据：\n${f.problems.map((problem) => `  ${problem}`).join("\n")}${f.more > 0 ? `\n  另有 ${f.more} 处` : ""}`,
  }),
  "data/problem-line": (f: { line: number; problem: string }) => ({
    en: `line ${f.line}: ${f.problem}`,
    zh: `第 ${f.line} 行：${f.problem}`,
  }),
  "data/problem-not-json": (f: { reason: string }) => ({
    en: `not JSON (${f.reason})`,
    zh: `不是合法的 JSON（${f.reason}）`,
  }),
  "data/problem-not-an-object": (_: Record<string, never>) => ({
    en: "not a JSON object",
    zh: "不是 JSON 对象",
  }),
  "data/problem-other-form": (f: { expected: string; got: string | undefined }) => ({
    en: `the rows of this file have ${f.expected}, this one has ${f.got ?? "none of the known columns"}. Keep one form a file.`,
    zh: `本文件的数据使用 ${f.expected}，而这一行${f.got ? `使用 ${f.got}` : "没有任何已知字段"}。一个文件只能使用一种格式。`,
  }),
  "data/problem-unknown-columns": (f: {
    got: string[];
    prompt_feature: string;
    completion_feature: string;
    chat_feature: string;
    text_feature: string;
  }) => ({
    en: `it has ${f.got.join(", ") || "no columns"}; a row must have "${f.chat_feature}", or "${f.prompt_feature}" and "${f.completion_feature}", or "${f.text_feature}". "cygnet data convert" makes such rows from other forms.`,
    zh: `字段为 ${f.got.join("、") || "空"}；每行必须有 "${f.chat_feature}"，或 "${f.prompt_feature}" 加 "${f.completion_feature}"，或 "${f.text_feature}"。其他格式可用 "cygnet data convert" 转换。`,
  }),
  "data/problem-wrong-type": (f: { path: string; expected: string }) => ({
    en: `"${f.path}" must be ${f.expected}`,
    zh: `"${f.path}" 的类型应为 ${f.expected}`,
  }),
  "data/problem-empty": (f: { path: string }) => ({
    en: `"${f.path}" is empty`,
    zh: `"${f.path}" 为空`,
  }),
  "data/mask-prompt-on-text": (f: { file: string }) => ({
    en: `mask_prompt cannot be used with the text rows of ${f.file}: plain text has no answers to tell apart. Turn mask_prompt off, or use messages or prompt/completion rows.`,
    zh: `${f.file} 是纯文本数据，不能使用 mask_prompt：纯文本中无法区分提问与回答。请关闭 mask_prompt，或改用 messages、prompt/completion 格式。`,
  }),
  "data/row-not-rendered": (f: { file: string; line: number; reason: string }) => ({
    en: `${f.file}, line ${f.line}: ${f.reason}`,
    zh: `${f.file} 第 ${f.line} 行：${f.reason}`,
  }),
  "data/turn-not-found": (f: { file: string; line: number; turn: number }) => ({
    en: `${f.file}, line ${f.line}: answer ${f.turn} cannot be found in what the chat template makes of the conversation, so the prompt cannot be masked. Turn mask_prompt off, or split the conversation so that this answer is its last message.`,
    zh: `${f.file} 第 ${f.line} 行：在对话模板生成的文本中找不到第 ${f.turn} 个回答，无法屏蔽提问部分。请关闭 mask_prompt，或拆分对话，使该回答成为最后一条消息。`,
  }),
  "data/call-not-rendered": (f: { file: string; line: number; name: string }) => ({
    en: `${f.file}, line ${f.line}: the model's chat template leaves out the call of "${f.name}", so it cannot be learnt. Use a model whose template has tool calls, or take such rows out.`,
    zh: `${f.file} 第 ${f.line} 行：模型的对话模板会丢掉对 "${f.name}" 的调用，因此无法学习。请换用模板支持工具调用的模型，或删除这类数据。`,
  }),
  "data/rows-failed": (f: { problems: string[]; more: number }) => ({
    en: `Some rows cannot be used with this model:\n${f.problems.map((problem) => `  ${problem}`).join("\n")}${f.more > 0 ? `\n  and ${f.more} more` : ""}`,
    zh: `部分数据不能用于该模型：\n${f.problems.map((problem) => `  ${problem}`).join("\n")}${f.more > 0 ? `\n  另有 ${f.more} 条` : ""}`,
  }),
  "data/rows-without-target": (f: { rows: string[]; more: number }) => ({
    en: `Nothing can be learnt from these rows (the answer is empty, or lies past max_seq_length): ${f.rows.join(", ")}${f.more > 0 ? ` and ${f.more} more` : ""}. Raise max_seq_length, shorten them or take them out.`,
    zh: `以下数据没有可学习的内容（回答为空，或超出 max_seq_length）：${f.rows.join("、")}${f.more > 0 ? `，另有 ${f.more} 条` : ""}。请增大 max_seq_length，或缩短、删除这些数据。`,
  }),

  "data/convert-bad-array": (f: { file: string; reason: string }) => ({
    en: `${f.file} starts like a JSON array and is none: ${f.reason}`,
    zh: `${f.file} 以 JSON 数组开头，但无法解析：${f.reason}`,
  }),
  "data/convert-exists": (f: { path: string }) => ({
    en: `${f.path} is there already. Choose another --output, or replace it with --force.`,
    zh: `${f.path} 已存在。请换一个 --output 目录，或用 --force 覆盖。`,
  }),
  "data/convert-one-column": (_: Record<string, never>) => ({
    en: "--prompt-column and --completion-column are given together, or not at all.",
    zh: "--prompt-column 和 --completion-column 必须同时给出。",
  }),
  "data/convert-preference": (f: { file: string; line: number; columns: string[] }) => ({
    en: `${f.file}, line ${f.line}: this is preference data (${f.columns.join(", ")}), made for DPO or KTO; training here is on one good answer a row. Write a file with the better answers only, as messages or prompt/completion rows.`,
    zh: `${f.file} 第 ${f.line} 行：这是偏好数据（${f.columns.join("、")}），用于 DPO 或 KTO；而这里的训练每条数据只需要一个好的回答。请只保留较好的回答，整理成 messages 或 prompt/completion 格式。`,
  }),
  "data/convert-nothing": (f: { reasons: string[]; more: number }) => ({
    en: `No row can be made of these files${f.reasons.length > 0 ? `:\n${f.reasons.map((reason) => `  ${reason}`).join("\n")}` : ": they are empty."}${f.more > 0 ? `\n  and ${f.more} more` : ""}`,
    zh: `这些文件无法转换出任何数据${f.reasons.length > 0 ? `：\n${f.reasons.map((reason) => `  ${reason}`).join("\n")}` : "：文件为空。"}${f.more > 0 ? `\n  另有 ${f.more} 条` : ""}`,
  }),
  "data/convert-mixed": (f: { texts: number; conversations: number }) => ({
    en: `These files have ${f.texts} rows of plain text and ${f.conversations} conversations, and training data must be one or the other. Convert them into two folders.`,
    zh: `这些文件中有 ${f.texts} 条纯文本和 ${f.conversations} 条对话，而一份训练数据只能是其中一种。请分别转换到两个目录。`,
  }),
  "data/left-out-columns": (f: { columns: string[] }) => ({
    en: `columns not recognised (${f.columns.join(", ") || "none"}); name them with --prompt-column and --completion-column`,
    zh: `无法识别的字段（${f.columns.join("、") || "无"}）；可用 --prompt-column 和 --completion-column 指定`,
  }),
  "data/left-out-bad-turns": (f: { column: string }) => ({
    en: `"${f.column}" is not a list of turns with text`,
    zh: `"${f.column}" 不是由文本组成的对话列表`,
  }),
  "data/left-out-role": (f: { role: string; known: string[] }) => ({
    en: `unknown role "${f.role}"; known: ${f.known.join(", ")}`,
    zh: `未知的角色 "${f.role}"；支持：${f.known.join("、")}`,
  }),
  "data/left-out-call": (_: Record<string, never>) => ({
    en: "a function_call that is not JSON with a name and arguments",
    zh: "function_call 不是包含 name 和 arguments 的 JSON",
  }),
  "data/left-out-tools": (_: Record<string, never>) => ({
    en: '"tools" is not a list of functions',
    zh: '"tools" 不是函数列表',
  }),
  "data/left-out-placeholder": (f: { placeholders: string[] }) => ({
    en: `nothing to fill ${f.placeholders.join(" and ")} with; give --name and --author`,
    zh: `没有用于填入 ${f.placeholders.join("、")} 的内容；请给出 --name 和 --author`,
  }),
  "data/left-out-no-answer": (_: Record<string, never>) => ({ en: "it has no answer", zh: "没有回答" }),
  "data/left-out-empty-answer": (_: Record<string, never>) => ({ en: "an answer is empty", zh: "回答为空" }),
};
