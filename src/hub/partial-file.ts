import { randomBytes } from "node:crypto";
import { readdirSync, renameSync, rmSync, statSync, utimesSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { makeFolder } from "../core/text-file.ts";

/** Its owner touches a partial file this often, and one untouched for so long has none. */
const heartbeatMs = 10_000;
const abandonedMs = 60_000;

/** Those of this process, since after a restart another process may have had the same id. */
const ours = new Set<string>();

/**
 * The beginning of a download, beside the place of the whole file. Its name `FILE.PID-RANDOM.incomplete` says who writes it,
 * and a rename hands over what a killed process left; so no lock is needed, and Python's tools, which name theirs
 * otherwise, are never in the way. Bytes are written at their position: even two writers would write the same.
 */
export class PartialFile {
  #handle: FileHandle;
  readonly #timer: NodeJS.Timeout;

  private constructor(
    readonly path: string,
    /** Bytes that are there, from the start. */
    public size: number,
    handle: FileHandle,
  ) {
    this.#handle = handle;
    this.#timer = setInterval(() => touch(path), heartbeatMs).unref();
  }

  /** A partial file for `target`, with what an earlier try left; undefined while another process is writing one. */
  static async claim(target: string): Promise<PartialFile | undefined> {
    makeFolder(dirname(target));
    const own = `${target}.${process.pid}-${randomBytes(4).toString("hex")}.incomplete`;
    const found = partialsOf(target);
    if (found.some(isOwned)) return undefined;
    const largest = found.sort((a, b) => sizeOf(b) - sizeOf(a))[0];
    if (largest && !takeOver(largest, own)) return undefined;
    for (const other of found.slice(1)) rmSync(other, { force: true });
    ours.add(own);
    const handle = await open(own, largest ? "r+" : "wx");
    // Two that found nothing at the same time: the one whose name comes first goes on.
    if (!largest && partialsOf(target).some((path) => path < own && isOwned(path))) {
      await handle.close();
      ours.delete(own);
      rmSync(own, { force: true });
      return undefined;
    }
    touch(own);
    return new PartialFile(own, sizeOf(own), handle);
  }

  async append(chunk: Uint8Array): Promise<void> {
    let written = 0;
    while (written < chunk.length) {
      const { bytesWritten } = await this.#handle.write(chunk, written, chunk.length - written, this.size + written);
      written += bytesWritten;
    }
    this.size += chunk.length;
  }

  /** The bytes that are there, in pieces. */
  async *chunks(): AsyncGenerator<Buffer> {
    const buffer = Buffer.allocUnsafe(4 * 2 ** 20);
    for (let position = 0; position < this.size; ) {
      const { bytesRead } = await this.#handle.read(buffer, 0, buffer.length, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  /** Throws away what is there. */
  async restart(): Promise<void> {
    await this.#handle.close();
    rmSync(this.path, { force: true });
    this.#handle = await open(this.path, "wx");
    this.size = 0;
  }

  /** Makes it the whole file, on the disk before it has its name; false when another process had taken it over. */
  async finish(target: string): Promise<boolean> {
    await this.#handle.sync();
    await this.#end();
    return takeOver(this.path, target);
  }

  /** Leaves what is there for the next try. */
  async leave(): Promise<void> {
    await this.#end();
    if (sizeOf(this.path) === 0) rmSync(this.path, { force: true });
  }

  async discard(): Promise<void> {
    await this.#end();
    rmSync(this.path, { force: true });
  }

  async #end(): Promise<void> {
    clearInterval(this.#timer);
    ours.delete(this.path);
    await this.#handle.close();
  }
}

/** Bytes that a download of `target` can go on from. */
export function partialSize(target: string): number {
  return Math.max(0, ...partialsOf(target).map(sizeOf));
}

function partialsOf(target: string): string[] {
  const folder = dirname(target);
  const start = `${basename(target)}.`;
  return namesIn(folder)
    .filter((name) => name.startsWith(start) && /^\d+-[0-9a-f]{8}\.incomplete$/.test(name.slice(start.length)))
    .map((name) => join(folder, name));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // not made yet
  }
}

/** Whether a process is writing it. */
function isOwned(path: string): boolean {
  const pid = Number(/\.(\d+)-[0-9a-f]{8}\.incomplete$/.exec(path)?.[1]);
  if (pid === process.pid) return ours.has(path);
  return isRunning(pid) && Date.now() - modifiedMs(path) < abandonedMs;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

function takeOver(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch {
    return false; // another process was quicker
  }
}

function touch(path: string): void {
  try {
    utimesSync(path, new Date(), new Date());
  } catch {
    // It was taken over: this process was asleep for a minute.
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function modifiedMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
