import type { Text } from "./catalogue.ts";

/** Words of tables, rows and the page. */
const words = {
  title: { en: "Base and tuned", zh: "微调前后对比" },
  base: { en: "base", zh: "原模型" },
  tuned: { en: "tuned", zh: "微调后" },
  prompt: { en: "prompt", zh: "提示" },
  reference: { en: "reference", zh: "参考回答" },
  score: { en: "score", zh: "评分" },
  wins: { en: "tuned better", zh: "微调后更好" },
  losses: { en: "base better", zh: "原模型更好" },
  ties: { en: "same", zh: "持平" },
  winRateOfTuned: { en: "win rate of the tuned model", zh: "微调后的胜率" },
  winRate: { en: "win rate (95 % interval)", zh: "胜率（95% 置信区间）" },
  better: { en: "better", zh: "更好" },
  worse: { en: "worse", zh: "更差" },
  shortWinRate: { en: "win rate (95 %)", zh: "胜率（95%）" },
  pValue: { en: "p", zh: "p 值" },
  likelihood: { en: "log-likelihood", zh: "对数似然" },
  perToken: { en: "log-likelihood per token", zh: "每词元对数似然" },
  perplexity: { en: "perplexity", zh: "困惑度" },
  references: { en: "reference answers", zh: "参考回答" },
  referencePerplexity: { en: "perplexity of references", zh: "参考回答的困惑度" },
  generalTexts: { en: "general texts", zh: "通用文本" },
  texts: { en: "texts", zh: "文本" },
  tokens: { en: "tokens", zh: "词元数" },
  tokenCount: { en: "tokens", zh: "词元" },
  forgetting: { en: "Forgetting", zh: "遗忘程度" },
  figures: { en: "Scores", zh: "评分汇总" },
  prediction: { en: "Prediction of given texts", zh: "对给定文本的预测" },
  remarks: { en: "Remarks", zh: "注意" },
  rows: { en: "All answers", zh: "全部回答" },
  settings: { en: "Settings", zh: "运行设置" },
  definitions: { en: "What the figures mean", zh: "指标说明" },
  by: { en: "by", zh: "依据" },
  all: { en: "all", zh: "全部" },
  search: { en: "search in prompts and answers", zh: "搜索提示与回答" },
  differing: { en: "hide identical answers", zh: "隐藏相同的回答" },
  thinking: { en: "thoughts", zh: "思考过程" },
  conversation: { en: "whole conversation", zh: "完整对话" },
  empty: { en: "(empty)", zh: "（空）" },
  judge: { en: "judge", zh: "评审" },
} as const satisfies Record<string, Text>;
export type CompareWord = keyof typeof words;

/** What scores mean. */
const definitions = {
  "rouge-l": {
    en: "longest common subsequence of words with the reference, F1; each Chinese character is a word (Lin 2004)",
    zh: "与参考回答的最长公共子序列的 F1 值，每个汉字算一个词（Lin 2004）",
  },
  chrf: {
    en: "n-grams of characters shared with the reference, F2, n = 1 to 6 (Popović 2015)",
    zh: "与参考回答共有的字符 n 元组的 F2 值，n 为 1 到 6（Popović 2015）",
  },
  exact: { en: "the answer is the reference, blanks at the ends aside", zh: "回答与参考回答完全相同（忽略首尾空白）" },
  contains: {
    en: "the answer has the reference, or the given text, in it; capitals do not count",
    zh: "回答包含参考回答或指定的文本（不区分大小写）",
  },
  regex: { en: "the pattern is found in the answer", zh: "回答匹配正则表达式" },
  "json-schema": { en: "the answer is JSON that the schema allows", zh: "回答是符合 JSON Schema 的 JSON" },
  judge: {
    en: "another model prefers one answer in both orders; what changes with the order is a tie",
    zh: "由另一个模型以两种顺序评判，两次一致才算胜出，随顺序改变的记为持平",
  },
  likelihood: {
    en: "how likely the model finds the reference answer, in nats; nearer 0 is better. Perplexity is e to the negative of its mean per token",
    zh: "模型认为参考回答出现的可能性（单位 nat），越接近 0 越好。困惑度为每词元均值取负后的指数",
  },
  winRate: {
    en: "share of rows in which the tuned model is better, ties counted half, with Wilson's interval",
    zh: "微调后更好的行所占比例，持平计一半；区间为 Wilson 区间",
  },
  pValue: {
    en: "how often a difference this large would come by chance if both were equally good (sign test, two-sided)",
    zh: "若两者实际一样好，偶然出现这样大差异的概率（双侧符号检验）",
  },
  forgetting: {
    en: "how much less likely the tuned model finds general texts that the tuning was not about; 0 is none",
    zh: "微调后模型对与微调无关的通用文本的预测变差了多少；0 表示没有遗忘",
  },
} as const satisfies Record<string, Text>;
export type CompareDefinition = keyof typeof definitions;

/** A change in how texts are predicted, in words: nats for each token make factors of perplexity. */
function forgettingWords(loss: number, isSure: boolean): Text {
  if (!isSure) return { en: "no change that could not be chance", zh: "没有明显变化（在误差范围内）" };
  if (Math.abs(loss) < 0.02) return { en: "hardly any change", zh: "几乎没有变化" };
  if (loss < 0)
    return { en: "none: general text is predicted better than before", zh: "没有遗忘，对通用文本的预测反而更好" };
  if (loss < 0.1) return { en: "a little", zh: "轻微" };
  if (loss < 0.5)
    return {
      en: "clear; fewer steps, a lower learning rate or some general rows in the data lessen it",
      zh: "明显；减少训练步数、降低学习率或在数据中加入通用样本可以减轻",
    };
  return {
    en: "heavy; lower the learning rate, train fewer steps, or put general rows into the data",
    zh: "严重；请降低学习率、减少训练步数，或在数据中加入通用样本",
  };
}

/** With the blank that stands between Chinese and Latin letters. */
const spaced = (text: string) => (/^[\x20-\x7e]/.test(text) ? ` ${text}` : text);

/** `+0.031`, `−0.204` */
const signed = (value: number, digits: number) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(digits)}`;

export const compareMessages = {
  "compare/labelled": (f: { label: string; text: string }) => ({
    en: `${f.label}: ${f.text}`,
    zh: `${f.label}：${f.text}`,
  }),
  "compare/outcomes": (f: {
    score: string;
    wins: number;
    losses: number;
    ties: number;
    low: string;
    high: string;
  }) => ({
    en: `by ${f.score}: ${f.wins} better, ${f.losses} worse, ${f.ties} same; 95 % interval ${f.low}–${f.high}`,
    zh: `按${spaced(f.score)}：${f.wins} 行更好，${f.losses} 行更差，${f.ties} 行持平；95% 区间 ${f.low}–${f.high}`,
  }),
  "compare/per": (f: { per: "token" | "byte"; before: string; after: string }) => ({
    en: `nats per ${f.per} of general text; perplexity ${f.before} → ${f.after}`,
    zh: `通用文本每${f.per === "token" ? "词元" : "字节"}损失的 nat；困惑度 ${f.before} → ${f.after}`,
  }),
  "compare/word": (f: { what: CompareWord }) => words[f.what],
  "compare/definition": (f: { what: CompareDefinition }) => definitions[f.what],
  "compare/nothing-to-compare": (_: Record<string, never>) => ({
    en: "Both sides are the same model. Give the tuned one with --adapter-path RUN-FOLDER, or with --tuned-model.",
    zh: "两侧是同一个模型。请用 --adapter-path 训练目录 或 --tuned-model 指定微调后的模型。",
  }),
  "compare/no-prompts": (f: { path: string }) => ({
    en: `${f.path} has no rows. Write one prompt a line into it, or rows of training data.`,
    zh: `${f.path} 中没有数据。请每行写一个提示，或使用训练数据格式。`,
  }),
  "compare/needs-prompts": (f: { reason: string }) => ({
    en: `What shall both be asked? ${f.reason} Give a file with --prompts, or texts with --prompt.`,
    zh: `没有可提问的内容。${f.reason}请用 --prompts 指定文件，或用 --prompt 给出提示。`,
  }),
  "compare/no-run": (_: Record<string, never>) => ({
    en: "Without --adapter-path there is no run whose validation rows could be taken.",
    zh: "未指定 --adapter-path，无法取得训练运行的验证数据。",
  }),
  "compare/no-run-data": (f: { adapter: string; data: string | undefined }) => ({
    en:
      f.data === undefined
        ? `${f.adapter} does not say which data it was trained on.`
        : `${f.adapter} was trained on ${f.data}, where there is no valid.jsonl and no test.jsonl.`,
    zh:
      f.data === undefined
        ? `${f.adapter} 没有记录训练数据。`
        : `${f.adapter} 的训练数据为 ${f.data}，其中没有 valid.jsonl 或 test.jsonl。`,
  }),
  "compare/prompt-and-prompts": (_: Record<string, never>) => ({
    en: "--prompt and --prompts do not go together: typed texts, or a file of them. Leave out one.",
    zh: "--prompt 与 --prompts 不能同时使用：前者为直接输入的提示，后者为提示文件。请去掉其中一个。",
  }),
  "compare/empty-prompt": (f: { where: string }) => ({
    en: `${f.where}: this prompt has no tokens. Take it out.`,
    zh: `${f.where}：提示为空，请删除该行。`,
  }),
  "compare/problem-only-an-answer": (_: Record<string, never>) => ({
    en: "the conversation has an answer only, and nothing that is asked",
    zh: "对话中只有回答，没有提问",
  }),
  "compare/problem-no-mark": (f: { mark: string }) => ({
    en: `the text does not have ${JSON.stringify(f.mark)} (--answer-mark) in it`,
    zh: `文本中没有 ${JSON.stringify(f.mark)}（--answer-mark）`,
  }),
  "compare/problem-short-text": (_: Record<string, never>) => ({
    en: "the text cannot be split into a beginning and an answer",
    zh: "文本太短，无法拆分为开头和回答",
  }),
  "compare/unknown-score": (f: { name: string; nearest: string | undefined; known: readonly string[] }) => ({
    en: `There is no score "${f.name}".${f.nearest ? ` Did you mean ${f.nearest}?` : ""} Possible with --score: ${f.known.join(", ")}.`,
    zh: `没有名为“${f.name}”的评分。${f.nearest ? `是否想用 ${f.nearest}？` : ""}--score 可用的值：${f.known.join("、")}。`,
  }),
  "compare/bad-regex": (f: { pattern: string; reason: string }) => ({
    en: `--score regex=${f.pattern} is no regular expression of JavaScript: ${f.reason}`,
    zh: `--score regex=${f.pattern} 不是有效的 JavaScript 正则表达式：${f.reason}`,
  }),
  "compare/bad-schema": (f: { path: string; reason: string }) => ({
    en: `${f.path} is no JSON schema: ${f.reason}`,
    zh: `${f.path} 不是有效的 JSON Schema：${f.reason}`,
  }),
  "compare/score-without-reference": (f: { scores: string[] }) => ({
    en: `--score ${f.scores.join(",")} compares with a reference answer, and no row has one. Take a file whose rows have answers, or another score.`,
    zh: `--score ${f.scores.join(",")} 需要参考回答，但数据中没有。请使用带回答的数据，或换用其他评分。`,
  }),
  "compare/judge-needs": (f: { flag: string }) => ({
    en: `A judge needs ${f.flag}: an OpenAI-compatible server with --judge-url, and one of its models with --judge-model.`,
    zh: `评审缺少 ${f.flag}：请用 --judge-url 指定兼容 OpenAI 的服务，用 --judge-model 指定其中的模型。`,
  }),
  "compare/no-judge-key": (f: { name: string }) => ({
    en: `--judge-key-env ${f.name}: there is no such environment variable, or it is empty. Set it to the key of the judge's server.`,
    zh: `--judge-key-env ${f.name}：该环境变量不存在或为空。请将其设为评审服务的密钥。`,
  }),
  "compare/bad-judge-url": (f: { given: string }) => ({
    en: `--judge-url ${f.given} is no address of a server. Give one such as http://127.0.0.1:8080/v1.`,
    zh: `--judge-url ${f.given} 不是有效的服务地址，例如 http://127.0.0.1:8080/v1。`,
  }),
  "compare/judge-unreachable": (f: { url: string; reason: string }) => ({
    en: `The judge at ${f.url} does not answer: ${f.reason}`,
    zh: `位于 ${f.url} 的评审没有应答：${f.reason}`,
  }),
  "compare/judge-status": (f: { status: number; detail: string }) => ({
    en: `HTTP ${f.status}${f.detail ? `: ${f.detail}` : ""}`,
    zh: `HTTP ${f.status}${f.detail ? `：${f.detail}` : ""}`,
  }),
  "compare/judge-pause": (f: { seconds: number; reason: string }) => ({
    en: `The judge is busy (${f.reason}); asking again in ${f.seconds} s.`,
    zh: `评审服务繁忙（${f.reason}），${f.seconds} 秒后重试。`,
  }),
  "compare/not-a-completion": (f: { url: string; text: string }) => ({
    en: `${f.url} did not answer as the OpenAI API does: ${f.text}`,
    zh: `${f.url} 的回答不符合 OpenAI 接口格式：${f.text}`,
  }),
  "compare/loading": (f: { model: string }) => ({ en: `Loading ${f.model} …`, zh: `正在载入 ${f.model} ……` }),
  "compare/asking": (f: { done: number; total: number }) => ({
    en: `Answering  ${f.done} of ${f.total}`,
    zh: `正在回答  ${f.done}/${f.total}`,
  }),
  "compare/measuring": (f: { done: number; total: number }) => ({
    en: `Measuring what was forgotten  ${f.done} of ${f.total} texts`,
    zh: `正在测量遗忘程度  ${f.done}/${f.total} 段文本`,
  }),
  "compare/how-to-end": (_: Record<string, never>) => ({
    en: "Type what both shall be asked; Ctrl-D ends.",
    zh: "请输入要向两者提出的问题；Ctrl-D 结束。",
  }),
  "compare/taken": (f: { path: string; rows: number; leftOut: number }) => ({
    en: `${f.rows} prompts of ${f.path}${f.leftOut > 0 ? `, the first of ${f.rows + f.leftOut} (--limit)` : ""}`,
    zh: `${f.path} 中的 ${f.rows} 个提示${f.leftOut > 0 ? `（共 ${f.rows + f.leftOut} 个，取前 ${f.rows} 个，见 --limit）` : ""}`,
  }),
  "compare/forgetting": (f: {
    loss: number;
    interval: readonly [number, number];
    per: "token" | "byte";
    texts: number;
    file: string | null;
    before: string;
    after: string;
  }) => {
    const isSure = f.interval[0] > 0 || f.interval[1] < 0;
    const text = forgettingWords(f.per === "token" ? f.loss : f.loss * 4, isSure);
    const range = `${signed(f.interval[0], 3)} … ${signed(f.interval[1], 3)}`;
    return {
      en: `forgetting: ${signed(f.loss, 3)} nats per ${f.per} on ${f.texts} ${f.file === null ? "general texts" : `texts of ${f.file}`} (95 % interval ${range}; perplexity ${f.before} → ${f.after}): ${text.en}`,
      zh: `遗忘程度：在 ${f.file === null ? `${f.texts} 段通用文本` : `${f.file} 的 ${f.texts} 段文本`}上，每${f.per === "token" ? "词元" : "字节"} ${signed(f.loss, 3)} nat（95% 区间 ${range}；困惑度 ${f.before} → ${f.after}）：${text.zh}`,
    };
  },
  "compare/unknown-texts": (f: { perplexity: string }) => ({
    en: `The base model hardly predicts the general texts (perplexity ${f.perplexity}), so they say little about what it forgot. Give texts that it knows with --general FILE.`,
    zh: `原模型本身就难以预测这些通用文本（困惑度 ${f.perplexity}），因此遗忘程度的参考意义有限。可用 --general 文件 指定它熟悉的文本。`,
  }),
  "compare/per-byte": (_: Record<string, never>) => ({
    en: "The two models split texts into different tokens: their perplexities and means per token cannot be compared, whole texts and bytes can.",
    zh: "两个模型的分词不同：困惑度和每词元均值不可直接比较，整段文本和每字节的数值可以比较。",
  }),
  "compare/cut": (f: { side: string; count: number; rows: number; maxTokens: number }) => ({
    en: `${f.count} of ${f.rows} answers (${f.side}) ${f.count === 1 ? "was" : "were"} cut at ${f.maxTokens} tokens: raise --max-tokens.`,
    zh: `${f.side}的 ${f.rows} 个回答中有 ${f.count} 个在 ${f.maxTokens} 个词元处被截断：可增大 --max-tokens。`,
  }),
  "compare/only-thoughts": (f: { side: string; count: number }) => ({
    en: `${f.count} ${f.count === 1 ? "answer" : "answers"} (${f.side}) ended within thoughts: raise --max-tokens, or turn thinking off with --chat-template-config '{"enable_thinking": false}'.`,
    zh: `${f.side}有 ${f.count} 个回答在思考过程中就结束了：请增大 --max-tokens，或用 --chat-template-config '{"enable_thinking": false}' 关闭思考。`,
  }),
  "compare/unmeasured": (f: { count: number }) => ({
    en: `The log-likelihood of ${f.count} reference answers was not measured: they cannot be found in what the chat template makes of the row.`,
    zh: `有 ${f.count} 个参考回答未计算对数似然：无法在对话模板生成的文本中找到。`,
  }),
  "compare/judged": (f: {
    model: string;
    contradictory: number;
    malformed: number;
    failed: number;
    first: string | null;
  }) => ({
    en: `Judge ${f.model}: ${f.contradictory} verdicts changed with the order of the answers (ties)${f.malformed > 0 ? `, ${f.malformed} rows had a malformed verdict` : ""}${f.failed > 0 ? `, ${f.failed} failed` : ""}${f.malformed + f.failed > 0 ? " and are not counted" : ""}.${f.first === null ? "" : ` The first: ${f.first}`}`,
    zh: `评审 ${f.model}：${f.contradictory} 个结论随回答顺序改变（记为持平）${f.malformed > 0 ? `，${f.malformed} 行的结论格式错误` : ""}${f.failed > 0 ? `，${f.failed} 行评审失败` : ""}${f.malformed + f.failed > 0 ? "，均不计入" : ""}。${f.first === null ? "" : `首个：${f.first}`}`,
  }),
  "compare/few-rows": (f: { rows: number }) => ({
    en: `${f.rows === 1 ? "One row says" : `${f.rows} rows say`} little: look at the intervals.`,
    zh: `只有 ${f.rows} 行，统计意义有限，请参考置信区间。`,
  }),
  "compare/of-rows": (f: { rows: number; identical: number }) => ({
    en: `${f.rows} ${f.rows === 1 ? "row" : "rows"}, ${f.identical} with the same answer on both sides`,
    zh: `${f.rows} 行，其中 ${f.identical} 行两侧回答相同`,
  }),
  "compare/interrupted": (f: { rows: number; total: number }) => ({
    en: `Stopped after ${f.rows} of ${f.total} rows.`,
    zh: `已停止，完成 ${f.rows}/${f.total} 行。`,
  }),
  "compare/shown": (f: { shown: number; total: number }) => ({
    en: `${f.shown} of ${f.total} rows`,
    zh: `显示 ${f.shown}/${f.total} 行`,
  }),
  "compare/saved": (f: { path: string }) => ({ en: `Saved ${f.path}`, zh: `已保存 ${f.path}` }),
};
