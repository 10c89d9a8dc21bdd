/** What a message about a repository tells of it. */
export interface Where {
  hub: "hf" | "modelscope";
  kind: "model" | "dataset";
  name: string;
  hasToken: boolean;
  /** The host that is asked in place of the hub's own. */
  mirror: string | undefined;
}

const hubTitle = (hub: Where["hub"]) =>
  hub === "hf" ? { en: "Hugging Face", zh: "Hugging Face" } : { en: "ModelScope", zh: "魔搭 ModelScope" };
/** The hub with the mirror that stands for it, which may lack what the hub has. */
const placeTitle = ({ hub, mirror }: Where) => ({
  en: `${hubTitle(hub).en}${mirror ? ` (mirror ${mirror})` : ""}`,
  zh: `${hubTitle(hub).zh}${mirror ? `（镜像 ${mirror}）` : " "}`,
});
const endpointVariable = (hub: Where["hub"]) => (hub === "hf" ? "HF_ENDPOINT" : "MODELSCOPE_ENDPOINT");
const otherHub = (hub: Where["hub"]) => (hub === "hf" ? "--hub modelscope" : "--hub hf");
const kindTitle = (kind: Where["kind"]) =>
  kind === "model" ? { en: "model", zh: "模型" } : { en: "data set", zh: "数据集" };

/** The page of a repository, where people read and accept its terms. */
function pageOf({ hub, kind, name }: Where): string {
  if (hub === "modelscope") return `https://modelscope.cn/${kind}s/${name}`;
  return `https://huggingface.co/${kind === "dataset" ? "datasets/" : ""}${name}`;
}

/** How a token is made and given. */
function tokenHelp(hub: Where["hub"]): { en: string; zh: string } {
  const page = hub === "hf" ? "https://huggingface.co/settings/tokens" : "https://modelscope.cn/my/myaccesstoken";
  const name = hub === "hf" ? "HF_TOKEN" : "MODELSCOPE_API_TOKEN";
  return {
    en: `make a token at ${page} and give it: export ${name}=…`,
    zh: `在 ${page} 创建令牌并设置：export ${name}=…`,
  };
}

/** Where else a name that a hub does not have may be. */
function elsewhere({ hub, kind, name }: Where): { en: string; zh: string } {
  const pull = `cygnet pull ${name} --dataset${hub === "modelscope" ? " --hub modelscope" : ""}`;
  return {
    en: `${otherHub(hub)} looks on the other hub${kind === "model" ? `, and "${pull}" gets a data set` : ""}.`,
    zh: `也可用 ${otherHub(hub)} 在另一个平台上查找${kind === "model" ? `；若是数据集，请用 ${pull}` : ""}。`,
  };
}

const reasons = {
  closed: { en: "the connection was closed", zh: "连接被对方关闭" },
  silent: { en: "no answer for too long", zh: "长时间没有响应" },
  refused: { en: "the host refuses connections", zh: "对方拒绝连接" },
  unknownHost: {
    en: "the name of the host is not known: no network, or a wrong address",
    zh: "无法解析主机名：没有网络，或地址有误",
  },
  noNetwork: { en: "no network leads there", zh: "网络不可达" },
  certificate: {
    en: "its certificate is not trusted; where a company's proxy is between, give its certificate: export NODE_EXTRA_CA_CERTS=FILE",
    zh: "证书不受信任；如果经过公司代理，请指定其证书：export NODE_EXTRA_CA_CERTS=文件",
  },
  redirects: { en: "too many redirects", zh: "重定向次数过多" },
  notAHub: { en: "the answer is not that of a hub", zh: "返回的内容不是模型平台的格式" },
  otherPart: { en: "the answer is of another part of the file", zh: "返回的不是所请求的文件片段" },
} as const;

function size(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.ceil(bytes / 1e3)} kB`;
}

export const hubMessages = {
  "hub/bad-name": (f: { given: string }) => ({
    en: `"${f.given}" is not a repository. Give ORG/NAME as on the hub's page, such as Qwen/Qwen3-0.6B; ORG/NAME@REVISION for another branch, tag or commit.`,
    zh: `“${f.given}”不是仓库名。请按平台页面上的写法给出 组织/名称，例如 Qwen/Qwen3-0.6B；需要其他分支、标签或提交时写 组织/名称@版本。`,
  }),
  "hub/wrong-hub": (f: { given: string; possible: readonly string[] }) => ({
    en: `CYGNET_HUB is "${f.given}": possible are ${f.possible.join(" and ")}.`,
    zh: `环境变量 CYGNET_HUB 的值为“${f.given}”：可用的值有 ${f.possible.join("、")}。`,
  }),
  "hub/bad-endpoint": (f: { hub: Where["hub"]; given: string }) => ({
    en: `${endpointVariable(f.hub)} is not an address: "${f.given}". Write it like https://hf-mirror.com, or unset it.`,
    zh: `${endpointVariable(f.hub)} 不是有效的地址：“${f.given}”。请写成 https://hf-mirror.com 的形式，或取消设置。`,
  }),
  "hub/reason": (f: { why: keyof typeof reasons; detail: string | undefined }) => ({
    en: `${reasons[f.why].en}${f.detail ? ` (${f.detail})` : ""}`,
    zh: `${reasons[f.why].zh}${f.detail ? `（${f.detail}）` : ""}`,
  }),
  "hub/unreachable": (f: Where & { host: string; reason: string }) => ({
    en: `${hubTitle(f.hub).en} cannot be reached for ${f.name}: ${f.host}: ${f.reason}\nWhat was downloaded is kept: the same command goes on. Check the network, or a proxy (HTTPS_PROXY); a mirror is taken from ${endpointVariable(f.hub)}, and ${otherHub(f.hub)} is the other hub.`,
    zh: `无法从 ${hubTitle(f.hub).zh} 获取 ${f.name}：${f.host}：${f.reason}\n已下载的部分会保留，重新运行同一命令即可继续。请检查网络或代理（HTTPS_PROXY）；镜像地址用 ${endpointVariable(f.hub)} 设置，也可用 ${otherHub(f.hub)} 换另一个平台。`,
  }),
  "hub/not-here": (f: { name: string; reason: string }) => ({
    en: `There is no folder ${f.name} here and no copy in the caches.\n${f.reason}`,
    zh: `本地没有文件夹 ${f.name}，缓存中也没有。\n${f.reason}`,
  }),
  "hub/server-error": (f: Where & { host: string; status: number; detail: string }) => ({
    en: `${hubTitle(f.hub).en} did not give ${f.name}: ${f.host} answered ${f.status}${f.detail ? ` (${f.detail})` : ""}. What was downloaded is kept: run the same command again later.`,
    zh: `${hubTitle(f.hub).zh} 未能提供 ${f.name}：${f.host} 返回 ${f.status}${f.detail ? `（${f.detail}）` : ""}。已下载的部分会保留，请稍后重新运行同一命令。`,
  }),
  "hub/too-many": (f: Where & { seconds: number | undefined }) => ({
    en: `${hubTitle(f.hub).en} has had too many requests from here (429)${f.seconds === undefined ? "" : ` and asks to wait ${f.seconds} s`}. Run the same command again later: what was downloaded is kept.${f.hasToken ? "" : ` A token raises the limit: ${tokenHelp(f.hub).en}`}`,
    zh: `${hubTitle(f.hub).zh} 提示请求过于频繁（429）${f.seconds === undefined ? "" : `，要求等待 ${f.seconds} 秒`}。已下载的部分会保留，请稍后重新运行同一命令。${f.hasToken ? "" : `使用令牌可提高限额：${tokenHelp(f.hub).zh}`}`,
  }),
  "hub/not-found": (f: Where & { revision: string; detail: string }) => ({
    en: `There is no folder ${f.name} here, and no ${kindTitle(f.kind).en} of this name on ${placeTitle(f).en} (${f.revision}). Check the spelling, capitals included, on ${pageOf(f)}; ${elsewhere(f).en}`,
    zh: `本地没有文件夹 ${f.name}，${placeTitle(f).zh}上也没有这个${kindTitle(f.kind).zh}（${f.revision}）。请在 ${pageOf(f)} 核对名称（区分大小写）；${elsewhere(f).zh}`,
  }),
  "hub/no-revision": (f: Where & { revision: string }) => ({
    en: `${f.name} has no revision "${f.revision}". Its branches and tags are on ${pageOf(f)}.`,
    zh: `${f.name} 没有名为“${f.revision}”的版本。可用的分支和标签见 ${pageOf(f)}。`,
  }),
  "hub/unauthorized": (f: Where) => ({
    en: f.hasToken
      ? `${hubTitle(f.hub).en} does not accept the token for ${f.name}: it has expired, or its account may not read this ${kindTitle(f.kind).en}. To get another: ${tokenHelp(f.hub).en}`
      : `There is no folder ${f.name} here, and ${placeTitle(f).en} shows no such ${kindTitle(f.kind).en} without a token: the name is wrong, or it is private.\nCheck the spelling, capitals included, on ${pageOf(f)}; ${elsewhere(f).en}\nFor a private one ${tokenHelp(f.hub).en}`,
    zh: f.hasToken
      ? `${hubTitle(f.hub).zh} 不接受用于 ${f.name} 的令牌：令牌已过期，或其账号无权读取该${kindTitle(f.kind).zh}。重新获取：${tokenHelp(f.hub).zh}`
      : `本地没有文件夹 ${f.name}，不使用令牌时 ${placeTitle(f).zh}上也看不到这个${kindTitle(f.kind).zh}：名称有误，或者它是私有的。\n请在 ${pageOf(f)} 核对名称（区分大小写）；${elsewhere(f).zh}\n若为私有，请${tokenHelp(f.hub).zh}`,
  }),
  "hub/gated": (f: Where & { detail: string }) => ({
    en: `${f.name} is given only to people who have accepted its terms.\n  1. Open ${pageOf(f)}, log in and accept them.\n  2. ${f.hasToken ? `The token given is of an account that has not, or may not read gated repositories; otherwise ${tokenHelp(f.hub).en}` : `Then ${tokenHelp(f.hub).en}`}\n  3. Run the same command again.${f.detail ? `\n${hubTitle(f.hub).en} says: ${f.detail}` : ""}`,
    zh: `${f.name} 只提供给已同意其使用条款的用户。\n  1. 打开 ${pageOf(f)}，登录并同意条款。\n  2. ${f.hasToken ? `当前令牌所属的账号尚未同意，或令牌没有读取受限仓库的权限；否则请${tokenHelp(f.hub).zh}` : `然后${tokenHelp(f.hub).zh}`}\n  3. 重新运行同一命令。${f.detail ? `\n${hubTitle(f.hub).zh} 的说明：${f.detail}` : ""}`,
  }),
  "hub/unsafe-path": (f: { name: string; path: string }) => ({
    en: `${f.name} lists a file whose path leads out of its folder: ${JSON.stringify(f.path)}. Nothing was downloaded. Do not use this repository.`,
    zh: `${f.name} 中有一个文件的路径会越出其文件夹：${JSON.stringify(f.path)}。没有下载任何内容，请不要使用该仓库。`,
  }),
  "hub/no-checksum": (f: { name: string; path: string }) => ({
    en: `The hub lists ${f.path} of ${f.name} without a checksum, so it cannot be kept in the cache. If HF_ENDPOINT names a mirror, try without it.`,
    zh: `平台列出的 ${f.name} 的文件 ${f.path} 没有校验值，无法存入缓存。如果 HF_ENDPOINT 指向镜像，请不用镜像再试。`,
  }),
  "hub/wrong-content": (f: { path: string; host: string }) => ({
    en: `${f.path} came from ${f.host} twice with content that does not match its checksum. Nothing of it was kept. A proxy or a mirror may change files: try another network, or another HF_ENDPOINT.`,
    zh: `${f.path} 从 ${f.host} 下载了两次，内容都与校验值不符，未保留任何内容。可能是代理或镜像改动了文件：请换一个网络或 HF_ENDPOINT 再试。`,
  }),
  "hub/no-safetensors": (f: { name: string; hub: Where["hub"]; found: readonly string[] }) => {
    const found = f.found.slice(0, 4).join(", ");
    const copy = f.name.split("/")[1] ?? f.name;
    return {
      en: `${f.name} has no weights in safetensors format${found ? `, only ${found}` : ""}. Cygnet reads safetensors alone: the other formats can run code or hold quantizations of other programs. Look for a safetensors copy, for example mlx-community/${copy}, or the model that a GGUF was made from. --include PATTERN downloads files anyway.`,
      zh: `${f.name} 没有 safetensors 格式的权重${found ? `，只有 ${found}` : ""}。Cygnet 只读取 safetensors：其他格式可能会执行代码，或属于其他程序的量化格式。请查找 safetensors 版本，例如 mlx-community/${copy}，或 GGUF 所依据的原模型。仍要下载这些文件可用 --include。`,
    };
  },
  "hub/no-match": (f: { name: string; patterns: readonly string[]; files: readonly string[] }) => ({
    en: `No file of ${f.name} matches ${f.patterns.join(" ")}. It has: ${f.files.slice(0, 12).join(", ")}${f.files.length > 12 ? ", …" : ""}`,
    zh: `${f.name} 中没有与 ${f.patterns.join(" ")} 匹配的文件。已有文件：${f.files.slice(0, 12).join("、")}${f.files.length > 12 ? "……" : ""}`,
  }),
  "hub/disk-full": (f: { hub: Where["hub"]; name: string; folder: string; needed: number; free: number }) => ({
    en: `${f.name} needs ${size(f.needed)} more, and ${f.folder} has ${size(f.free)} free. Make room (cygnet models list, cygnet models remove), or keep models on another disk: export ${f.hub === "hf" ? "HF_HOME" : "MODELSCOPE_CACHE"}=FOLDER`,
    zh: `${f.name} 还需要 ${size(f.needed)}，而 ${f.folder} 只剩 ${size(f.free)}。请腾出空间（cygnet models list、cygnet models remove），或把模型放到其他磁盘：export ${f.hub === "hf" ? "HF_HOME" : "MODELSCOPE_CACHE"}=文件夹`,
  }),
  "hub/offline": (f: { name: string; kind: Where["kind"]; missing: readonly string[] }) => {
    const pull = `cygnet pull ${f.name}${f.kind === "dataset" ? " --dataset" : ""}`;
    const missing = f.missing.slice(0, 5);
    const here =
      missing.length > 0
        ? {
            en: `${f.name} is not complete on this machine (missing: ${missing.join(", ")}).`,
            zh: `本机上的 ${f.name} 不完整（缺少：${missing.join("、")}）。`,
          }
        : { en: `${f.name} is not a folder here.`, zh: `本地没有文件夹 ${f.name}。` };
    return {
      en: `${here.en} It cannot be downloaded, since downloads are off (--offline, HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE). With a network and without these: ${pull}`,
      zh: `${here.zh}由于已关闭下载（--offline、HF_HUB_OFFLINE 或 TRANSFORMERS_OFFLINE），无法下载。联网并取消这些设置后运行：${pull}`,
    };
  },

  "pull/start": (f: { name: string; hub: Where["hub"] }) => ({
    en: `Downloading ${f.name} from ${hubTitle(f.hub).en}`,
    zh: `正在从 ${hubTitle(f.hub).zh} 下载 ${f.name}`,
  }),
  "pull/checking": (f: { name: string; done: number; files: number }) => ({
    en: `Checking what is here, ${f.done}/${f.files} files of ${f.name}`,
    zh: `正在核对已有文件 ${f.done}/${f.files}：${f.name}`,
  }),
  "pull/progress": (f: {
    percent: number;
    done: string;
    total: string;
    speed: string | undefined;
    left: string | undefined;
  }) => ({
    en: `  ${f.percent}%  ${f.done} of ${f.total}${f.speed ? `  ${f.speed}/s` : ""}${f.left ? `  ${f.left} left` : ""}`,
    zh: `  ${f.percent}%  ${f.done} / ${f.total}${f.speed ? `  ${f.speed}/秒` : ""}${f.left ? `  剩余 ${f.left}` : ""}`,
  }),
  "pull/pause": (f: { seconds: number; asked: boolean; reason: string }) => ({
    en: f.asked
      ? `The server asks to wait ${f.seconds} s (${f.reason}).`
      : `The connection failed (${f.reason}); trying again in ${f.seconds} s.`,
    zh: f.asked
      ? `服务器要求等待 ${f.seconds} 秒（${f.reason}）。`
      : `连接失败（${f.reason}），${f.seconds} 秒后重试。`,
  }),
  "pull/done": (f: { name: string; downloaded: number; bytes: number; folder: string; seconds: number }) => ({
    en:
      f.downloaded === 0
        ? `${f.name} is complete, nothing to download (${size(f.bytes)}): ${f.folder}`
        : `${f.name}: ${size(f.downloaded)} downloaded in ${f.seconds.toFixed(0)} s, ${size(f.bytes)} in all: ${f.folder}`,
    zh:
      f.downloaded === 0
        ? `${f.name} 已完整，无需下载（${size(f.bytes)}）：${f.folder}`
        : `${f.name}：用时 ${f.seconds.toFixed(0)} 秒，下载 ${size(f.downloaded)}，共 ${size(f.bytes)}：${f.folder}`,
  }),
  "pull/next-model": (f: { cygnet: string; name: string }) => ({
    en: `Go on:  ${f.cygnet} chat --model ${f.name}\n        ${f.cygnet} train --model ${f.name} --data FOLDER`,
    zh: `接下来：${f.cygnet} chat --model ${f.name}\n        ${f.cygnet} train --model ${f.name} --data 文件夹`,
  }),
  "pull/next-data": (f: { cygnet: string; name: string }) => ({
    en: `Go on:  ${f.cygnet} train --model MODEL --data ${f.name}`,
    zh: `接下来：${f.cygnet} train --model 模型 --data ${f.name}`,
  }),
  "pull/next-convert": (f: { cygnet: string; file: string }) => ({
    en: `Go on:  ${f.cygnet} data convert ${f.file} --output data`,
    zh: `接下来：${f.cygnet} data convert ${f.file} --output data`,
  }),
  "pull/unsupported": (f: { name: string; type: string; supported: readonly string[] }) => ({
    en: `${f.name} is of the type ${f.type}, which Cygnet cannot run or train yet (${f.supported.join(", ")} it can). It is downloaded all the same; Ctrl-C stops.`,
    zh: `${f.name} 的类型是 ${f.type}，Cygnet 目前不能运行或训练（支持 ${f.supported.join("、")}）。下载仍会继续，可用 Ctrl-C 停止。`,
  }),
  "pull/stopped": (_: Record<string, never>) => ({
    en: "Stopped. What was downloaded is kept: the same command goes on from there.",
    zh: "已停止。已下载的部分会保留，重新运行同一命令即可继续。",
  }),
};
