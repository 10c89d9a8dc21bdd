import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { z } from "zod";
import { fieldText } from "../protocol/fields.ts";
import { UserError } from "../protocol/user-error.ts";

/** Hugging Face and ModelScope. */
export const hubNames = ["hf", "modelscope"] as const;
export type HubName = (typeof hubNames)[number];

/** The flags of a command that reads a model or data set of a hub. */
export const hubFields = {
  hub: z.enum(hubNames).optional().register(fieldText, {
    en: "where ORG/NAME is: Hugging Face or ModelScope; default: CYGNET_HUB, else hf",
    zh: "ORG/NAME 所在的平台：Hugging Face 或 ModelScope（魔搭）；默认取 CYGNET_HUB，否则为 hf",
  }),
  offline: z.boolean().default(false).register(fieldText, {
    en: "download nothing: use what is on this machine",
    zh: "不联网下载，只使用本机已有的文件",
  }),
};

/** Where a hub is when no variable names a mirror. */
export const officialEndpoints: Record<HubName, string> = {
  hf: "https://huggingface.co",
  modelscope: "https://modelscope.cn",
};

export interface HubSettings {
  hub: HubName;
  /** Without a slash at the end. */
  endpoint: string;
  /** Sent to the endpoint's host only. */
  token: string | undefined;
  /** The folder that the hub's Python tool keeps its downloads in. */
  cacheFolder: string;
  /** How long a connection may say nothing before it counts as cut. */
  stallMs: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** What the environment variables of the hub's own Python tools say. */
export function hubSettings(hub: HubName, env: Environment = process.env): HubSettings {
  const stallMs = 1000 * (Number(env.HF_HUB_DOWNLOAD_TIMEOUT) || 30);
  if (hub === "hf") {
    return {
      hub,
      endpoint: address(env.HF_ENDPOINT || officialEndpoints.hf),
      token: clean(env.HF_TOKEN) ?? clean(env.HUGGING_FACE_HUB_TOKEN) ?? tokenFile(env),
      cacheFolder: expand(env.HF_HUB_CACHE || env.HUGGINGFACE_HUB_CACHE || join(hfHome(env), "hub")),
      stallMs,
    };
  }
  return {
    hub,
    endpoint: address(env.MODELSCOPE_ENDPOINT || env.MODELSCOPE_DOMAIN || officialEndpoints.modelscope),
    token: clean(env.MODELSCOPE_API_TOKEN),
    cacheFolder: expand(env.MODELSCOPE_CACHE || join(homedir(), ".cache", "modelscope")),
    stallMs,
  };
}

/** The hub that new downloads come from. */
export function chosenHub(flag: HubName | undefined, env: Environment = process.env): HubName {
  if (flag) return flag;
  const named = z.enum(hubNames).safeParse(env.CYGNET_HUB || "hf");
  if (!named.success) throw new UserError("hub/wrong-hub", { given: env.CYGNET_HUB ?? "", possible: hubNames });
  return named.data;
}

/** Whether the environment forbids downloads, as `huggingface_hub` and `transformers` read it. */
export function isOffline(env: Environment = process.env): boolean {
  return /^(1|on|yes|true)$/i.test(env.HF_HUB_OFFLINE || env.TRANSFORMERS_OFFLINE || "");
}

function hfHome(env: Environment): string {
  return expand(env.HF_HOME || join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "huggingface"));
}

/** The token that `hf auth login` saved. */
function tokenFile(env: Environment): string | undefined {
  try {
    return clean(readFileSync(expand(env.HF_TOKEN_PATH || join(hfHome(env), "token")), "utf8"));
  } catch {
    return undefined; // nobody has logged in
  }
}

function clean(token: string | undefined): string | undefined {
  return token?.trim() || undefined;
}

function expand(path: string): string {
  const known = path.replace(/\$(\w+)|\$\{(\w+)\}/g, (all, a, b) => process.env[a ?? b] ?? all);
  return resolve(known.replace(/^~(?=\/|$)/, homedir()));
}

/** An address as people write it: without a slash at the end, and with `https://` where only a host is given. */
function address(text: string): string {
  const url = text.trim().replace(/\/+$/, "");
  return /^https?:\/\//i.test(url) ? url : `https://${url}`;
}
