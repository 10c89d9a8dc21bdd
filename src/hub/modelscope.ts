import { z } from "zod";
import { HttpStatusError, type HubHttp } from "./http.ts";
import type { Listing, RemoteFile, Repository } from "./repository.ts";

const Entry = z.object({
  Path: z.string(),
  Type: z.string().default("blob"),
  Size: z.number().default(0),
  Sha256: z.string().nullish(),
});
const Answer = z.object({
  Success: z.boolean().optional(),
  Code: z.union([z.number(), z.string()]).optional(),
  Message: z.string().nullish(),
  Data: z.object({ Files: z.array(Entry).nullish() }).nullish(),
});

/** Entries on a page of a data set's listing; a model's comes whole. */
const pageSize = 200;

/** The repository's files: `repo/files` for models, `repo/tree`, in pages, for data sets. */
export async function listModelScope(http: HubHttp, repository: Repository): Promise<Listing> {
  const { kind, name, revision } = repository;
  const base = `${http.settings.endpoint}/api/v1/${kind}s/${name}/repo`;
  const query = `Revision=${encodeURIComponent(revision)}&Recursive=True`;
  const files: RemoteFile[] = [];
  for (let page = 1; ; page++) {
    const url =
      kind === "model" ? `${base}/files?${query}` : `${base}/tree?${query}&PageNumber=${page}&PageSize=${pageSize}`;
    const entries = await listPage(http, url);
    for (const { Path, Type, Size, Sha256 } of entries) {
      if (Type !== "tree") files.push({ path: Path, size: Size, sha256: Sha256?.toLowerCase() || undefined });
    }
    if (kind === "model" || entries.length < pageSize) return { commit: revision, files };
  }
}

async function listPage(http: HubHttp, url: string): Promise<z.output<typeof Entry>[]> {
  const { value } = await http.json(url, Answer);
  // An answer with status 200 may still be a refusal.
  if (value.Success === false) throw new HttpStatusError(url, 404, String(value.Code), value.Message ?? "", undefined);
  return value.Data?.Files ?? [];
}

export function modelScopeFileUrl(endpoint: string, { kind, name, revision }: Repository, path: string): string {
  const query = `Revision=${encodeURIComponent(revision)}&FilePath=${encodeURIComponent(path)}`;
  return `${endpoint}/api/v1/${kind}s/${name}/repo?${query}`;
}
