import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");

/** Material beside the checkout that not everybody has; tests on it skip, and say so. */
export const shared = resolve(root, "../shared");
export const hasShared = existsSync(join(shared, "data"));
if (!hasShared) console.warn(`skipped what needs ${shared}: it is not there`);

export const toys = join(root, "test/fixtures/parity/models");

/** Runs `cygnet` as a user does, on the built program. */
export function cygnet(
  args: readonly string[],
  { cwd = root, env = {}, input = "" }: { cwd?: string; env?: Record<string, string>; input?: string } = {},
) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, "bin/cygnet.mjs"), ...args], {
    cwd,
    encoding: "utf8",
    input,
    env: { ...process.env, LC_ALL: "en_US.UTF-8", ...env },
    maxBuffer: 2 ** 26,
  });
  return { status, stdout, stderr };
}

export interface Finished {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** The same without waiting, for tests that serve what it asks for. */
export function cygnetStarted(
  args: readonly string[],
  { cwd = root, env = {} }: { cwd?: string; env?: Record<string, string> } = {},
): { child: ChildProcess; finished: Promise<Finished> } {
  const child = spawn(process.execPath, [join(root, "bin/cygnet.mjs"), ...args], {
    cwd,
    env: { ...process.env, LC_ALL: "en_US.UTF-8", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const finished = new Promise<Finished>((done) => child.on("close", (status) => done({ status, stdout, stderr })));
  return { child, finished };
}

/** A new empty folder with these files, by relative path. */
export function folderWith(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), "cygnet-test-"));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}
