import type { FailureCount, FailureKind } from "../bench-result.ts";
import type { Text } from "./catalogue.ts";

/** Words of tables, charts and settings. */
const labels = {
  clients: { en: "clients", zh: "并发数" },
  rate: { en: "rate/s", zh: "请求速率/s" },
  requests: { en: "requests", zh: "请求数" },
  success: { en: "success", zh: "成功率" },
  requestsPerSecond: { en: "requests/s", zh: "请求/s" },
  outputPerSecond: { en: "output tokens/s", zh: "输出词元/s" },
  totalPerSecond: { en: "total tokens/s", zh: "总词元/s" },
  duration: { en: "duration", zh: "用时" },
  promptTokens: { en: "prompt tokens", zh: "提示词元" },
  completionTokens: { en: "output tokens", zh: "输出词元" },
  concurrency: { en: "at a time", zh: "平均并发" },
  ttft: { en: "time to first token", zh: "首词元延迟" },
  tpot: { en: "time per output token", zh: "每词元耗时" },
  itl: { en: "inter-token latency", zh: "词元间隔" },
  latency: { en: "latency", zh: "总延迟" },
  lateness: { en: "sent late by", zh: "发送滞后" },
  mean: { en: "mean", zh: "平均" },
  change: { en: "change", zh: "变化" },
} as const satisfies Record<string, Text>;
export type BenchLabel = keyof typeof labels;

/** Headings and sentences of the HTML page. */
const pageWords = {
  title: { en: "Load test", zh: "压力测试" },
  byLoad: { en: "Throughput and latency", zh: "吞吐量与延迟" },
  curve: { en: "Latency against throughput", zh: "延迟随吞吐量的变化" },
  curveHelp: {
    en: "Each point is one load, labelled with it. A server that keeps up moves to the right; one that is full only moves up.",
    zh: "每个点对应一级负载，旁边标注负载大小。服务有余力时，点向右移动；达到上限后，点只会向上移动。",
  },
  share: { en: "share below", zh: "累计占比" },
  distributions: { en: "Distributions", zh: "分布" },
  distributionsHelp: {
    en: "The share of values below each time; a steep line means even service. Dots mark p50 and p95.",
    zh: "不超过各时间的占比；曲线越陡，服务越平稳。圆点为 p50 和 p95。",
  },
  comparison: { en: "Side by side", zh: "结果对比" },
  figures: { en: "All figures", zh: "全部指标" },
  settings: { en: "Settings", zh: "测试设置" },
  remarks: { en: "Remarks", zh: "注意" },
  definitions: { en: "What the figures mean", zh: "指标说明" },
  counted: {
    en: "Only whole answers count. Throughput is tokens, or answers, divided by the time from the first request's start to the last one's end. Percentiles lie on a straight line between the two nearest values.",
    zh: "仅统计完整的回答。吞吐量为词元数（或回答数）除以从首个请求开始到最后一个请求结束的时间。百分位数在相邻两个值之间线性插值。",
  },
} as const satisfies Record<string, Text>;
export type PageWord = keyof typeof pageWords;

const definitions = {
  ttft: { en: "from sending a request to the first chunk with text", zh: "从发送请求到收到第一个含文本的数据块" },
  tpot: {
    en: "(latency − time to first token) / (output tokens − 1), for each answer",
    zh: "（总延迟 − 首词元延迟）÷（输出词元数 − 1），每个回答一个值",
  },
  itl: {
    en: "between one chunk with text and the next, over all answers",
    zh: "相邻两个含文本的数据块之间的时间，统计所有回答",
  },
  latency: { en: "from sending a request to the end of its answer", zh: "从发送请求到回答结束" },
} as const satisfies Record<string, Text>;

const failures: Record<FailureKind, Text> = {
  refused: { en: "connection refused", zh: "连接被拒绝" },
  unreachable: { en: "server not reached", zh: "无法连接服务器" },
  closed: { en: "connection closed before an answer", zh: "未收到回答连接即断开" },
  timeout: { en: "timed out", zh: "超时" },
  status: { en: "refused by the server", zh: "服务器拒绝请求" },
  stream: { en: "answer broke off", zh: "回答中断" },
  answer: { en: "answer is not of the OpenAI API", zh: "回答不符合 OpenAI 接口格式" },
};

type FailureFacts = Omit<FailureCount, "count">;

function failureText({ kind, status, message, retry_after_s }: FailureFacts): Text {
  const http = status !== null && status !== 200 ? `HTTP ${status}` : "";
  const wait = retry_after_s === null ? "" : `, Retry-After ${Math.round(retry_after_s)} s`;
  return {
    en: `${http || failures[kind].en}${wait}${message ? `: ${message}` : ""}`,
    zh: `${http || failures[kind].zh}${wait.replace(", ", "，")}${message ? `：${message}` : ""}`,
  };
}

export const benchMessages = {
  "bench/label": (f: { what: BenchLabel }) => labels[f.what],
  "bench/page": (f: { what: PageWord }) => pageWords[f.what],
  "bench/definition": (f: { what: keyof typeof definitions }) => definitions[f.what],
  "bench/of-requests": (f: { succeeded: number; requests: number }) => ({
    en: `${f.succeeded} of ${f.requests} requests`,
    zh: `${f.requests} 个请求中的 ${f.succeeded} 个`,
  }),
  "bench/failure": (f: { failure: FailureFacts }) => failureText(f.failure),
  "bench/bad-url": (f: { given: string }) => ({
    en: `${f.given} is no address of a server. Give one such as http://127.0.0.1:8080/v1/chat/completions with --url.`,
    zh: `${f.given} 不是有效的服务地址。请用 --url 指定，例如 http://127.0.0.1:8080/v1/chat/completions。`,
  }),
  "bench/no-model": (f: { url: string; reason: string }) => ({
    en: `${f.url} names no model${f.reason ? ` (${f.reason})` : ""}. Start the server, or give the name with --model.`,
    zh: `${f.url} 没有返回模型名称${f.reason ? `（${f.reason}）` : ""}。请启动服务，或用 --model 指定模型名称。`,
  }),
  "bench/no-answer": (f: { url: string; failure: FailureFacts }) => ({
    en: `${f.url} does not answer: ${failureText(f.failure).en}\nMend this, or count failures as well with --warm-up 0.`,
    zh: `${f.url} 未能正常回答：${failureText(f.failure).zh}\n请先解决该问题；若要将失败也计入结果，请加 --warm-up 0。`,
  }),
  "bench/all-failed": (f: { url: string }) => ({
    en: `No request to ${f.url} was answered; the failures are listed above.`,
    zh: `发往 ${f.url} 的请求全部失败，原因见上。`,
  }),
  "bench/parallel-and-rate": (_: Record<string, never>) => ({
    en: "--parallel and --rate cannot go together: clients that wait for their answers (--parallel), or requests that arrive at a rate whatever the server does (--rate).",
    zh: "--parallel 与 --rate 不能同时使用：前者为固定数量的客户端逐个等待回答，后者按固定速率发送请求，不等待回答。",
  }),
  "bench/levels-differ": (f: { flag: string; levels: number; numbers: number }) => ({
    en: `${f.flag} names ${f.levels} levels, but --number has ${f.numbers} values. Give one for each level, or one for all.`,
    zh: `${f.flag} 指定了 ${f.levels} 级，而 --number 有 ${f.numbers} 个值。请为每级各给一个值，或只给一个值。`,
  }),
  "bench/prompt-range": (f: { min: number; max: number }) => ({
    en: `--min-prompt-length ${f.min} is above --max-prompt-length ${f.max}.`,
    zh: `--min-prompt-length ${f.min} 大于 --max-prompt-length ${f.max}。`,
  }),
  "bench/prompt-too-short": (f: { given: number; least: number }) => ({
    en: `A prompt of ${f.given} tokens cannot be made: the chat template alone takes some. The least is ${f.least}; raise --min-prompt-length.`,
    zh: `无法生成 ${f.given} 个词元的提示：对话模板本身就会占用词元。最少为 ${f.least}，请增大 --min-prompt-length。`,
  }),
  "bench/no-exact-length": (f: { tokens: number }) => ({
    en: `No random prompt of exactly ${f.tokens} tokens was found with this tokenizer. Try another length, or prompts of your own with --dataset-path FILE.jsonl.`,
    zh: `用该分词器未能生成恰好 ${f.tokens} 个词元的随机提示。请换一个长度，或用 --dataset-path 文件.jsonl 提供提示。`,
  }),
  "bench/no-words": (_: Record<string, never>) => ({
    en: "The server's count of tokens does not show which words are one token each. Give the model's folder with --tokenizer-path, or prompts of your own with --dataset-path FILE.jsonl.",
    zh: "无法根据服务器的词元计数确定单词元的单词。请用 --tokenizer-path 指定模型文件夹，或用 --dataset-path 文件.jsonl 提供提示。",
  }),
  "bench/no-usage": (_: Record<string, never>) => ({
    en: "The server does not say how many tokens a prompt has (usage), so random prompts of exact length need the model's tokenizer: give its folder with --tokenizer-path.",
    zh: "服务器未返回提示的词元数（usage），生成指定长度的随机提示需要模型的分词器：请用 --tokenizer-path 指定模型文件夹。",
  }),
  "bench/needs-file": (_: Record<string, never>) => ({
    en: "--dataset file takes its prompts from a JSONL file: name it with --dataset-path.",
    zh: "--dataset file 需要从 JSONL 文件读取提示：请用 --dataset-path 指定文件。",
  }),
  "bench/needs-chat": (_: Record<string, never>) => ({
    en: "The file has conversations (messages), which /v1/completions does not take. Use the chat endpoint (--api chat), or rows with a prompt.",
    zh: "文件中是对话（messages），/v1/completions 接口不支持。请使用对话接口（--api chat），或提供带 prompt 的数据。",
  }),
  "bench/bad-prompts": (f: { path: string; lines: readonly number[] }) => ({
    en: `${f.path} ${f.lines.length === 0 ? "has no rows" : `has rows without a prompt, on line ${shown(f.lines)}`}. Each line is a JSON object with messages, prompt or question, or a JSON string.`,
    zh: `${f.path} ${f.lines.length === 0 ? "没有数据" : `第 ${shown(f.lines)} 行没有提示`}。每行应为含 messages、prompt 或 question 的 JSON 对象，或一个 JSON 字符串。`,
  }),
  "bench/not-a-result": (f: { path: string; problem: string }) => ({
    en: `${f.path} is no result of cygnet bench serve --output: ${f.problem}`,
    zh: `${f.path} 不是 cygnet bench serve --output 保存的结果：${f.problem}`,
  }),
  "bench/two-results": (f: { given: number }) => ({
    en: `Two results are compared, ${f.given} given: cygnet bench compare BEFORE.json AFTER.json`,
    zh: `需要两个结果文件，给出了 ${f.given} 个：cygnet bench compare 之前.json 之后.json`,
  }),
  "bench/no-common-level": (_: Record<string, never>) => ({
    en: "The two results have no load in common: run both with the same --parallel or --rate.",
    zh: "两个结果没有相同的负载：请用相同的 --parallel 或 --rate 各运行一次。",
  }),
  "bench/start": (f: { url: string; model: string }) => ({
    en: `Testing ${f.model} at ${f.url}`,
    zh: `正在测试 ${f.url} 上的 ${f.model}`,
  }),
  "bench/learning-words": (_: Record<string, never>) => ({
    en: "No --tokenizer-path: asking the server which words are one token each.",
    zh: "未指定 --tokenizer-path：正在通过服务器确定单词元的单词。",
  }),
  "bench/progress": (f: {
    level: string;
    index: number;
    levels: number;
    done: number;
    requests: number;
    failed: number;
    chunksPerSecond: number;
    seconds: string;
  }) => ({
    en: `${f.index}/${f.levels}  ${f.level}  ${f.done} of ${f.requests} answered${f.failed > 0 ? `, ${f.failed} failed` : ""}  ${f.chunksPerSecond.toFixed(0)} tokens/s  ${f.seconds}`,
    zh: `${f.index}/${f.levels}  ${f.level}  已回答 ${f.done}/${f.requests}${f.failed > 0 ? `，失败 ${f.failed}` : ""}  ${f.chunksPerSecond.toFixed(0)} 词元/s  ${f.seconds}`,
  }),
  "bench/level": (f: { parallel: number | null; rate: number | null }) => ({
    en: f.parallel === null ? `${f.rate} requests/s` : `${f.parallel} ${f.parallel === 1 ? "client" : "clients"}`,
    zh: f.parallel === null ? `每秒 ${f.rate} 个请求` : `${f.parallel} 个客户端`,
  }),
  "bench/failures": (f: { level: string; count: number; failure: FailureFacts }) => ({
    en: `${f.level}: ${f.count} failed: ${failureText(f.failure).en}`,
    zh: `${f.level}：${f.count} 个失败：${failureText(f.failure).zh}`,
  }),
  "bench/by-chunks": (f: { level: string; count: number }) => ({
    en: `${f.level}: the server gave no usage for ${f.count} answers; their chunks were counted instead of tokens.`,
    zh: `${f.level}：服务器未返回 ${f.count} 个回答的 usage，词元数按数据块计数。`,
  }),
  "bench/other-lengths": (f: { level: string; count: number }) => ({
    en: `${f.level}: the server counted another number of tokens in ${f.count} prompts than was asked for.`,
    zh: `${f.level}：有 ${f.count} 个提示在服务器上的词元数与设定不同。`,
  }),
  "bench/busy": (f: { level: string; percent: number }) => ({
    en: `${f.level}: the load tester itself was busy ${f.percent} % of the time; run it on another machine, or its own slowness is measured.`,
    zh: `${f.level}：测试程序自身的占用率达 ${f.percent} %，结果可能失真；建议在另一台机器上运行测试。`,
  }),
  "bench/late": (f: { level: string; ms: number }) => ({
    en: `${f.level}: requests were sent up to ${f.ms} ms later than planned.`,
    zh: `${f.level}：请求发送最多比计划晚 ${f.ms} ms。`,
  }),
  "bench/saved": (f: { path: string }) => ({ en: `Saved ${f.path}`, zh: `已保存 ${f.path}` }),
};

function shown(lines: readonly number[]): string {
  return lines.slice(0, 5).join(", ") + (lines.length > 5 ? ", …" : "");
}
