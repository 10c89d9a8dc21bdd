import { UserError } from "../protocol/user-error.ts";
import { connectionReason, reasonOf } from "./connection-reason.ts";
import { Digest } from "./digest.ts";
import { ConnectionError, HttpStatusError, type HubHttp, type OpenResponse } from "./http.ts";
import { PartialFile } from "./partial-file.ts";
import type { RemoteFile } from "./repository.ts";
import { type RetryOptions, withRetries } from "./retry.ts";

export interface FileDownload extends Pick<RetryOptions, "signal" | "onPause"> {
  http: HubHttp;
  url: string;
  file: RemoteFile;
  /** Where the whole file comes to. */
  target: string;
  /** Whether another process has finished it in the meantime. */
  isThere: () => Promise<boolean>;
  /** Bytes that are there more, or, negative, less; `received` when they came just now. */
  onBytes?: ((change: number, received: boolean) => void) | undefined;
}

/** The bytes that came are not the file that the hub lists. */
class WrongContent extends Error {}

/**
 * Downloads one file: goes on where an earlier try ended, checks size and checksum, and only then gives it its name.
 * @returns false while another process downloads it.
 * @throws UserError when what comes is twice not what the hub lists.
 */
export async function downloadFile(download: FileDownload): Promise<boolean> {
  const { file, target, url, onBytes } = download;
  const partial = await PartialFile.claim(target);
  if (!partial) return false;
  try {
    if (await download.isThere()) {
      await partial.discard();
      return true;
    }
    onBytes?.(partial.size, false);
    if (partial.size > file.size) await restart(partial, download);
    for (let attempt = 1; ; attempt++) {
      try {
        await fetchAndCheck(partial, download);
        break;
      } catch (error) {
        if (!(error instanceof WrongContent)) throw error;
        await restart(partial, download);
        if (attempt === 2) throw new UserError("hub/wrong-content", { path: file.path, host: new URL(url).host });
      }
    }
  } catch (error) {
    await partial.leave();
    throw error;
  }
  return partial.finish(target);
}

async function fetchAndCheck(partial: PartialFile, download: FileDownload): Promise<void> {
  let digest = new Digest(download.file);
  for await (const chunk of partial.chunks()) digest.update(chunk);
  await withRetries(
    async () => {
      if (partial.size === download.file.size) return;
      const response = await openAt(partial.size, download);
      if (partial.size > 0 && !continues(response, partial.size)) {
        await restart(partial, download);
        digest = new Digest(download.file);
        if (response.status === 206) throw new ConnectionError(download.url, connectionReason("otherPart"));
      }
      await receive(response, partial, digest, download);
    },
    { signal: download.signal, onPause: download.onPause, position: () => partial.size },
  );
  if (!digest.matches()) throw new WrongContent();
}

async function openAt(position: number, { http, url }: FileDownload): Promise<OpenResponse> {
  try {
    return await http.open(url, position > 0 ? { range: `bytes=${position}-` } : {});
  } catch (error) {
    // The file there is shorter than what is here.
    if (error instanceof HttpStatusError && error.status === 416) throw new WrongContent();
    throw error;
  }
}

/** Whether an answer begins where the partial file ends; a server that ignores ranges sends the whole. */
function continues({ status, headers }: OpenResponse, position: number): boolean {
  return status === 206 && Number(/^bytes (\d+)-/.exec(headers.get("content-range") ?? "")?.[1]) === position;
}

async function receive(
  { body }: OpenResponse,
  partial: PartialFile,
  digest: Digest,
  { file, url, signal, onBytes }: FileDownload,
): Promise<void> {
  const received = body.iterator({ destroyOnReturn: true });
  for (;;) {
    const step = await received.next().catch((error: unknown) => {
      signal?.throwIfAborted();
      throw new ConnectionError(url, reasonOf(error));
    });
    if (step.done) break;
    const chunk: Buffer = step.value;
    if (partial.size + chunk.length > file.size) throw new WrongContent();
    await partial.append(chunk);
    digest.update(chunk);
    onBytes?.(chunk.length, true);
  }
  if (partial.size < file.size) throw new ConnectionError(url, connectionReason("closed"));
}

async function restart(partial: PartialFile, { onBytes }: FileDownload): Promise<void> {
  onBytes?.(-partial.size, false);
  await partial.restart();
}
