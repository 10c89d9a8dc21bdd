const ends = {
  whole: { en: "", zh: "" },
  full: {
    en: " · cut short by max_tokens (/set max_tokens NUMBER)",
    zh: " · 达到 max_tokens，未说完（/set max_tokens 数字）",
  },
  stopped: { en: " · stopped", zh: " · 已停止" },
};

export const chatMessages = {
  "chat/welcome": (f: { model: string; template: boolean }) => ({
    en: `Chat with ${f.model}. /help lists commands, Ctrl-C ends an answer, Ctrl-D the chat.${f.template ? "" : "\nThis model has no chat template: it continues what you write."}`,
    zh: `正在与 ${f.model} 对话。/help 查看命令，Ctrl-C 停止当前回答，Ctrl-D 退出。${f.template ? "" : "\n该模型没有对话模板，只会续写你输入的内容。"}`,
  }),
  "chat/loading": (f: { model: string }) => ({ en: `Loading ${f.model} …`, zh: `正在载入 ${f.model} ……` }),
  "chat/how-to-end": (_: Record<string, never>) => ({
    en: "Ctrl-C again, Ctrl-D or /exit ends the chat.",
    zh: "再按一次 Ctrl-C、按 Ctrl-D 或输入 /exit 退出对话。",
  }),
  "chat/help": (_: Record<string, never>) => ({
    en: `/reset            empty the conversation, keep the system prompt
/system TEXT      set the system prompt; without text remove it
/regenerate       answer the last question again
/edit             change the last question
/set NAME VALUE   change a setting: temp, max_tokens, …; /set alone shows all
/save FILE        write the conversation to a file, in one line of JSON like training data
/load FILE        go on with a saved conversation
/exit             end (also Ctrl-D)
"""               begins and ends a text of several lines; pasted lines stay together without it`,
    zh: `/reset            清空对话，保留系统提示
/system 文本      设置系统提示；不带文本则删除
/regenerate       重新回答上一个问题
/edit             修改上一个问题
/set 名称 值      修改设置：temp、max_tokens 等；单独输入 /set 查看全部
/save 文件        把对话保存为一行 JSON（与训练数据格式相同）
/load 文件        载入已保存的对话并继续
/exit             退出（也可按 Ctrl-D）
"""               多行文本的开始和结束；粘贴的多行文本会作为一个问题，无需使用`,
  }),
  "chat/was-reset": (_: Record<string, never>) => ({ en: "The conversation is empty again.", zh: "对话已清空。" }),
  "chat/system-set": (f: { text: string }) => ({
    en: f.text === "" ? "No system prompt." : `System prompt: ${f.text}`,
    zh: f.text === "" ? "已删除系统提示。" : `系统提示：${f.text}`,
  }),
  "chat/saved": (f: { path: string; isTuned: boolean }) => ({
    en: `Saved to ${f.path}${f.isTuned ? ", with the tuned model's answers" : ""}.`,
    zh: `已保存到 ${f.path}${f.isTuned ? "（微调后模型的回答）" : ""}。`,
  }),
  "chat/loaded": (f: { path: string; messages: number }) => ({
    en: `Loaded ${f.messages} messages from ${f.path}.`,
    zh: `已从 ${f.path} 载入 ${f.messages} 条消息。`,
  }),
  "chat/overwrites": (f: { path: string }) => ({
    en: `${f.path} is there and is no saved conversation. Nothing was written; choose another name.`,
    zh: `${f.path} 已存在，且不是已保存的对话。没有写入任何内容，请换一个文件名。`,
  }),
  "chat/set": (f: { key: string; value: string }) => ({ en: `${f.key} = ${f.value}`, zh: `${f.key} = ${f.value}` }),
  "chat/nothing-asked": (_: Record<string, never>) => ({
    en: "There is no question yet.",
    zh: "还没有提过问题。",
  }),
  "chat/nothing-to-compare": (_: Record<string, never>) => ({
    en: "--compare needs --adapter-path with a LoRA or DoRA adapter: the model is compared with itself without it.",
    zh: "--compare 需要用 --adapter-path 指定 LoRA 或 DoRA 适配器，用于对比有无适配器的回答。",
  }),
  "chat/not-a-conversation": (f: { path: string }) => ({
    en: `${f.path} is not a saved conversation: it must hold one line of JSON with "messages".`,
    zh: `${f.path} 不是已保存的对话：文件应只有一行包含 "messages" 的 JSON。`,
  }),
  "chat/usage": (f: { usage: string }) => ({ en: `Write ${f.usage}.`, zh: `用法：${f.usage}` }),
  "chat/unknown-command": (f: { name: string; nearest: string | undefined }) => ({
    en: `There is no command /${f.name}.${f.nearest ? ` Did you mean /${f.nearest}?` : ""} /help lists them. A question that begins with / needs a space before it.`,
    zh: `没有命令 /${f.name}。${f.nearest ? `是否想用 /${f.nearest}？` : ""}用 /help 查看全部命令。若问题以 / 开头，请在前面加一个空格。`,
  }),
  "chat/unknown-setting": (f: { key: string; nearest: string | undefined; known: readonly string[] }) => ({
    en: `There is no setting ${f.key}.${f.nearest ? ` Did you mean ${f.nearest}?` : ""} Settings: ${f.known.join(", ")}.`,
    zh: `没有名为“${f.key}”的设置。${f.nearest ? `是否想用 ${f.nearest}？` : ""}可用设置：${f.known.join("、")}。`,
  }),
  "chat/always-the-same": (_: Record<string, never>) => ({
    en: "With temp 0 the answer is always the same; /set temp 0.7 makes others.",
    zh: "temp 为 0 时回答总是相同；用 /set temp 0.7 可得到不同的回答。",
  }),
  "chat/stopped": (_: Record<string, never>) => ({
    en: "Stopped before the answer began. The question is taken back.",
    zh: "已在回答开始前停止，该问题已撤回。",
  }),
  "chat/bad-setting": (f: { key: string; value: string; expected: string }) => ({
    en: `${f.key} is ${f.value === "" ? "empty" : `"${f.value}"`}: expected ${f.expected}`,
    zh: `${f.key} 的值${f.value === "" ? "为空" : `是“${f.value}”`}：应为${f.expected}`,
  }),
  "chat/thoughts-begin": (_: Record<string, never>) => ({ en: "[thinking]", zh: "[思考]" }),
  "chat/thoughts-end": (_: Record<string, never>) => ({ en: "[answer]", zh: "[回答]" }),
  "chat/thought": (f: { characters: number }) => ({
    en: `thought: ${f.characters} characters (/set thinking show prints them)`,
    zh: `已思考：${f.characters} 字（/set thinking show 可显示思考内容）`,
  }),
  "chat/thinking": (f: { characters: number }) => ({
    en: `thinking … ${f.characters} characters`,
    zh: `思考中…… ${f.characters} 字`,
  }),
  "chat/comparing": (f: { tuned: boolean; characters: number }) => ({
    en: `${f.tuned ? "tuned" : "base"} … ${f.characters} characters`,
    zh: `${f.tuned ? "微调后" : "原模型"}…… ${f.characters} 字`,
  }),
  "chat/base": (_: Record<string, never>) => ({ en: "base", zh: "原模型" }),
  "chat/tuned": (_: Record<string, never>) => ({ en: "tuned", zh: "微调后" }),
  "chat/footer": (f: {
    tokens: number;
    tokensPerSecond: number;
    promptTokens: number;
    cachedTokens: number;
    seconds: number;
    peakBytes: number;
    ended: "whole" | "full" | "stopped";
  }) => ({
    en: `${f.tokens} tokens · ${f.tokensPerSecond.toFixed(1)} tokens/s · prompt ${f.promptTokens}, ${f.cachedTokens} of them cached · ${f.seconds.toFixed(1)} s · peak ${(f.peakBytes / 1e9).toFixed(2)} GB${ends[f.ended].en}`,
    zh: `${f.tokens} 个词元 · ${f.tokensPerSecond.toFixed(1)} 词元/秒 · 提示 ${f.promptTokens}（缓存 ${f.cachedTokens}）· ${f.seconds.toFixed(1)} 秒 · 峰值 ${(f.peakBytes / 1e9).toFixed(2)} GB${ends[f.ended].zh}`,
  }),
};
