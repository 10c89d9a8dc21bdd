import { z } from "zod";
import type { HubHttp } from "./http.ts";
import type { Listing, RemoteFile, Repository } from "./repository.ts";

const Info = z.object({ sha: z.string().regex(/^[0-9a-f]{40}$/) });
const Entry = z.object({
  type: z.string(),
  path: z.string(),
  size: z.number().default(0),
  oid: z.string().optional(),
  lfs: z.object({ oid: z.string(), size: z.number() }).nullish(),
  xetHash: z.string().nullish(),
});

/** The repository's files at the commit that its revision stands for now: the `revision` and `tree` API. */
export async function listHuggingFace(http: HubHttp, { kind, name, revision }: Repository): Promise<Listing> {
  const base = `${http.settings.endpoint}/api/${kind}s/${name}`;
  const { value } = await http.json(`${base}/revision/${encodeURIComponent(revision)}`, Info);
  const files: RemoteFile[] = [];
  let page: string | undefined = `${base}/tree/${value.sha}?recursive=true`;
  while (page) {
    const answer: { value: z.output<typeof Entry>[]; next: string | undefined } = await http.json(page, z.array(Entry));
    for (const { type, path, size, oid, lfs, xetHash } of answer.value) {
      if (type !== "file") continue;
      const shared = { path, size: lfs?.size ?? size, gitOid: oid, xetHash: xetHash ?? undefined };
      files.push({ ...shared, sha256: lfs?.oid });
    }
    page = answer.next;
  }
  return { commit: value.sha, files };
}

export function huggingFaceFileUrl(endpoint: string, { kind, name }: Repository, commit: string, path: string): string {
  const prefix = kind === "dataset" ? "datasets/" : "";
  return `${endpoint}/${prefix}${name}/resolve/${encodeURIComponent(commit)}/${path.split("/").map(encodeURIComponent).join("/")}`;
}
