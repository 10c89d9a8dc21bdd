import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

// A hub on this machine: the parts of the Hugging Face and the ModelScope protocol that downloads use, a storage host on
// another port, and faults on request.

export interface HubRepository {
  kind?: "model" | "dataset";
  name: string;
  files: Record<string, Buffer | string>;
  /** Only for those who have accepted its terms. */
  gated?: boolean;
  /** Not there without this token. */
  token?: string;
}

/** What goes wrong with a file, as often as `times` says. */
export interface Fault {
  path: string;
  times: number;
  /** The connection ends after so many bytes of the answer. */
  cutAfter?: number;
  /** So many bytes come, then nothing, and the connection stays open. */
  stallAfter?: number;
  /** A byte is changed. */
  corrupt?: boolean;
  status?: number;
  retryAfter?: number;
}

export interface SeenRequest {
  host: "hub" | "storage";
  method: string;
  url: string;
  range: string | undefined;
  authorization: string | undefined;
  cookie: string | undefined;
}

const largeFile = 1000;

export class HubServer {
  readonly requests: SeenRequest[] = [];
  readonly repositories: HubRepository[] = [];
  readonly faults: Fault[] = [];
  /** Bytes a second of each answer with a file; unlimited when 0. */
  bytesPerSecond = 0;
  readonly #hub: Server;
  readonly #storage: Server;

  private constructor() {
    this.#hub = createServer((request, response) => this.#answer(request, response));
    this.#storage = createServer((request, response) => this.#store(request, response));
  }

  static async start(): Promise<HubServer> {
    const server = new HubServer();
    for (const each of [server.#hub, server.#storage]) {
      await new Promise<void>((resolve) => each.listen(0, "127.0.0.1", () => resolve()));
    }
    return server;
  }

  async stop(): Promise<void> {
    for (const each of [this.#hub, this.#storage]) {
      each.closeAllConnections();
      await new Promise<void>((resolve) => each.close(() => resolve()));
    }
  }

  get endpoint(): string {
    return urlOf(this.#hub);
  }

  /** Environment variables that make this the only hub, with caches in `folder` and no token of this user's. */
  environment(folder: string): Record<string, string> {
    return {
      HOME: folder,
      HF_HOME: `${folder}/huggingface`,
      MODELSCOPE_CACHE: `${folder}/modelscope`,
      HF_ENDPOINT: this.endpoint,
      MODELSCOPE_ENDPOINT: this.endpoint,
      HF_HUB_DOWNLOAD_TIMEOUT: "2",
      NO_PROXY: "127.0.0.1",
    };
  }

  /** Forgets what was asked, so that a test sees its own requests only. */
  forget(): void {
    this.requests.length = 0;
  }

  fileRequests(path: string): SeenRequest[] {
    const named = (url: string) => url.includes(`/${path}`) || url.includes(`FilePath=${encodeURIComponent(path)}`);
    return this.requests.filter(({ url, method }) => method === "GET" && named(url));
  }

  commitOf({ files }: HubRepository): string {
    return hex(
      "sha1",
      Object.entries(files)
        .map(([path, content]) => `${path} ${hex("sha256", bytes(content))}`)
        .join("\n"),
    );
  }

  #note(host: "hub" | "storage", { method = "", url = "", headers }: IncomingMessage): void {
    const { range, authorization, cookie } = headers;
    this.requests.push({ host, method, url, range, authorization, cookie });
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.#note("hub", request);
    const { pathname, searchParams } = new URL(request.url ?? "", this.endpoint);
    if (pathname.startsWith("/api/v1/")) this.#modelScope(request, response, pathname, searchParams);
    else this.#huggingFace(request, response, pathname);
  }

  #huggingFace(request: IncomingMessage, response: ServerResponse, pathname: string): unknown {
    const api = /^\/api\/(model|dataset)s\/([^/]+\/[^/]+)(?:\/(revision|tree)\/([^/]+))?$/.exec(pathname);
    const file = /^\/(datasets\/)?([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(pathname);
    const kind = api?.[1] ?? (file?.[1] ? "dataset" : "model");
    const repository = this.#find(kind, decodeURIComponent(api?.[2] ?? file?.[2] ?? ""));
    const { authorization = "" } = request.headers;
    if (!repository || (repository.token && authorization !== `Bearer ${repository.token}`)) {
      const status = authorization === "" ? 401 : 404;
      return refuse(response, status, "RepoNotFound", "Repository not found");
    }
    const commit = this.commitOf(repository);
    const revision = decodeURIComponent(api?.[4] ?? file?.[3] ?? "main");
    if (revision !== "main" && revision !== commit) {
      return refuse(response, 404, "RevisionNotFound", `Invalid rev id: ${revision}`);
    }
    if (api?.[3] === "tree") return json(response, treeOf(repository));
    if (api) {
      const siblings = Object.keys(repository.files).map((rfilename) => ({ rfilename }));
      return json(response, { id: repository.name, sha: commit, siblings, gated: repository.gated ? "manual" : false });
    }
    if (repository.gated && authorization !== "Bearer accepted") {
      const detail = `Access to model ${repository.name} is restricted.`;
      return refuse(response, authorization === "" ? 401 : 403, "GatedRepo", detail);
    }
    const path = decodeURIComponent(file?.[4] ?? "");
    const content = contentOf(repository, path);
    if (!content) return refuse(response, 404, "EntryNotFound", "Entry not found");
    response.setHeader("X-Repo-Commit", commit);
    if (!isLarge(path, content)) {
      response.setHeader("ETag", `"${gitOid(content)}"`);
      return this.#send(request, response, path, content);
    }
    const sha256 = hex("sha256", content);
    response.setHeader("X-Linked-Etag", `"${sha256}"`);
    response.setHeader("X-Linked-Size", content.length);
    return this.#redirect(response, repository, path);
  }

  #modelScope(request: IncomingMessage, response: ServerResponse, pathname: string, query: URLSearchParams): unknown {
    const [, kind = "", name = "", what] = /^\/api\/v1\/(model|dataset)s\/([^/]+\/[^/]+)(\/.*)?$/.exec(pathname) ?? [];
    const repository = this.#find(kind, name);
    const allowed = !repository?.token || request.headers.authorization === `Bearer ${repository.token}`;
    if (!repository || !allowed)
      return json(response, { Code: 10010205001, Message: "record not found", Success: false }, 404);
    if (what === "/repo/files" || what === "/repo/tree") {
      if (query.get("Revision") !== "master") {
        return json(response, { Code: 10010200001, Message: "invalid revision", Success: false }, 404);
      }
      return json(response, {
        Code: 200,
        Success: true,
        Message: "success",
        Data: { Files: filesOf(repository, query) },
      });
    }
    if (what !== "/repo") return json(response, { Code: 200, Success: true, Data: { Name: name } });
    if (repository.gated) return json(response, { Code: 10010206, Message: "no permission", Success: false }, 403);
    const path = query.get("FilePath") ?? "";
    const content = contentOf(repository, path);
    if (!content) return json(response, { Code: 10990101, Message: "not found", Success: false }, 404);
    if (isLarge(path, content)) return this.#redirect(response, repository, path);
    return this.#send(request, response, path, content);
  }

  #redirect(response: ServerResponse, { kind = "model", name }: HubRepository, path: string): void {
    const { port } = new URL(urlOf(this.#storage));
    response.writeHead(302, { Location: `http://127.0.0.1:${port}/${kind}/${name}/${path}?signature=x` }).end();
  }

  #store(request: IncomingMessage, response: ServerResponse): unknown {
    this.#note("storage", request);
    const { pathname } = new URL(request.url ?? "", "http://storage");
    const [, kind = "", name = "", path = ""] = /^\/(model|dataset)\/([^/]+\/[^/]+)\/(.+)$/.exec(pathname) ?? [];
    const repository = this.#find(kind, name);
    const content = repository && contentOf(repository, path);
    if (!content) return response.writeHead(404).end();
    return this.#send(request, response, path, content);
  }

  #send(request: IncomingMessage, response: ServerResponse, path: string, content: Buffer): unknown {
    const fault = request.method === "GET" ? this.#faultOf(path) : undefined;
    if (fault?.status) {
      const headers = fault.retryAfter === undefined ? {} : { "Retry-After": fault.retryAfter };
      return response.writeHead(fault.status, headers).end();
    }
    const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
    const end = Number(/-(\d+)$/.exec(request.headers.range ?? "")?.[1] ?? content.length - 1);
    if (start >= content.length && content.length > 0) {
      return response.writeHead(416, { "Content-Range": `bytes */${content.length}` }).end();
    }
    const part = Buffer.from(content.subarray(start, end + 1));
    if (fault?.corrupt) part[0] = (part[0] ?? 0) ^ 1;
    response.statusCode = request.headers.range ? 206 : 200;
    response.setHeader("Content-Length", part.length);
    response.setHeader("Accept-Ranges", "bytes");
    if (request.headers.range) {
      response.setHeader("Content-Range", `bytes ${start}-${start + part.length - 1}/${content.length}`);
    }
    if (request.method === "HEAD") return response.end();
    return this.#write(response, part, fault);
  }

  async #write(response: ServerResponse, part: Buffer, fault: Fault | undefined): Promise<void> {
    const limit = fault?.cutAfter ?? fault?.stallAfter ?? part.length;
    const step = this.bytesPerSecond > 0 ? Math.ceil(this.bytesPerSecond / 50) : part.length;
    for (let at = 0; at < Math.min(limit, part.length) && !response.destroyed; at += step) {
      response.write(part.subarray(at, Math.min(at + step, limit)));
      if (this.bytesPerSecond > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    }
    if (fault?.stallAfter !== undefined) return;
    if (fault?.cutAfter === undefined) response.end();
    else setTimeout(() => response.destroy(), 50);
  }

  #faultOf(path: string): Fault | undefined {
    const fault = this.faults.find((each) => each.path === path && each.times > 0);
    if (fault) fault.times--;
    return fault;
  }

  #find(kind: string, name: string): HubRepository | undefined {
    return this.repositories.find((each) => (each.kind ?? "model") === kind && each.name === name);
  }
}

function urlOf(server: Server): string {
  const address: AddressInfo | string | null = server.address();
  return typeof address === "object" && address ? `http://127.0.0.1:${address.port}` : "";
}

function treeOf({ files }: HubRepository): object[] {
  return Object.entries(files).map(([path, text]) => {
    const content = bytes(text);
    const shared = { type: "file", path, size: content.length };
    if (!isLarge(path, content)) return { ...shared, oid: gitOid(content) };
    const pointer = Buffer.from(`oid sha256:${hex("sha256", content)}`);
    const lfs = { oid: hex("sha256", content), size: content.length, pointerSize: 134 };
    return { ...shared, oid: gitOid(pointer), lfs };
  });
}

function filesOf({ files }: HubRepository, query: URLSearchParams): object[] {
  const page = Number(query.get("PageNumber") ?? 1);
  const size = Number(query.get("PageSize") ?? 1e6);
  return Object.entries(files)
    .slice((page - 1) * size, page * size)
    .map(([path, text]) => {
      const content = bytes(text);
      const facts = {
        Size: content.length,
        Sha256: hex("sha256", content),
        Revision: "1",
        IsLFS: isLarge(path, content),
      };
      return { Path: path, Name: path.split("/").at(-1), Type: "blob", ...facts };
    });
}

function contentOf({ files }: HubRepository, path: string): Buffer | undefined {
  return Object.hasOwn(files, path) ? bytes(files[path] ?? "") : undefined;
}

function isLarge(path: string, content: Buffer): boolean {
  return content.length > largeFile || path.endsWith(".safetensors");
}

function bytes(content: Buffer | string): Buffer {
  return Buffer.from(content);
}

function gitOid(content: Buffer): string {
  return hex("sha1", Buffer.concat([Buffer.from(`blob ${content.length}\0`), content]));
}

function hex(algorithm: string, content: Buffer | string): string {
  return createHash(algorithm).update(content).digest("hex");
}

function json(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(value));
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  response.setHeader("X-Error-Code", code);
  response.setHeader("X-Error-Message", message);
  json(response, { error: message }, status);
}
