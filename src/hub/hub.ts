import { UserError } from "../protocol/user-error.ts";
import { ConnectionError, HttpStatusError, HubHttp } from "./http.ts";
import { huggingFaceFileUrl, listHuggingFace } from "./hugging-face.ts";
import { listModelScope, modelScopeFileUrl } from "./modelscope.ts";
import { isSafePath, type Listing, type Repository } from "./repository.ts";
import { type RetryOptions, withRetries } from "./retry.ts";
import { hubSettings, officialEndpoints } from "./settings.ts";

/** Whoever has no network should not wait long to be told. */
const firstContactFailures = 1;

/** One repository on its hub. */
export class RemoteRepository {
  readonly http: HubHttp;

  constructor(
    readonly repository: Repository,
    private readonly options: Pick<RetryOptions, "signal" | "onPause"> = {},
  ) {
    this.http = new HubHttp(hubSettings(repository.hub), options.signal);
  }

  /**
   * The files that it has now.
   * @throws UserError when the hub cannot be asked, or does not have it, or does not give it to this user.
   */
  async list(): Promise<Listing> {
    const list = this.repository.hub === "hf" ? listHuggingFace : listModelScope;
    const retries = { ...this.options, maxFailures: firstContactFailures };
    const listing = await this.explained(() => withRetries(() => list(this.http, this.repository), retries));
    const unsafe = listing.files.find(({ path }) => !isSafePath(path));
    if (unsafe) throw new UserError("hub/unsafe-path", { name: this.repository.name, path: unsafe.path });
    return listing;
  }

  urlOf(listing: Listing, path: string): string {
    const { endpoint } = this.http.settings;
    return this.repository.hub === "hf"
      ? huggingFaceFileUrl(endpoint, this.repository, listing.commit, path)
      : modelScopeFileUrl(endpoint, this.repository, path);
  }

  /** Runs a task; what a hub answers becomes a message that says what to do. */
  async explained<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await task();
    } catch (error) {
      this.options.signal?.throwIfAborted();
      throw this.explain(error);
    }
  }

  private explain(error: unknown): unknown {
    const { hub, name, kind, revision } = this.repository;
    const { endpoint, token } = this.http.settings;
    const mirror = endpoint === officialEndpoints[hub] ? undefined : new URL(endpoint).host;
    const facts = { hub, kind, name, mirror, hasToken: token !== undefined };
    if (error instanceof ConnectionError) {
      return new UserError("hub/unreachable", { ...facts, host: new URL(error.url).host, reason: error.reason });
    }
    if (!(error instanceof HttpStatusError)) return error;
    const { status, code, detail, fromStorage } = error;
    if (fromStorage)
      return new UserError("hub/server-error", { ...facts, host: new URL(error.url).host, status, detail });
    if (code === "RevisionNotFound") return new UserError("hub/no-revision", { ...facts, revision });
    if (code === "GatedRepo" || status === 403) return new UserError("hub/gated", { ...facts, detail });
    // Without a token Hugging Face answers 401 for what does not exist, so as not to tell what is private.
    if (status === 401) return new UserError("hub/unauthorized", facts);
    if (status === 404) return new UserError("hub/not-found", { ...facts, revision, detail });
    if (status === 429) return new UserError("hub/too-many", { ...facts, seconds: error.retryAfterSeconds });
    return new UserError("hub/server-error", { ...facts, host: new URL(error.url).host, status, detail });
  }
}
