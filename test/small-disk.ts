import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "vitest";

/** Mounts a file system of 1 MB in memory, which takes root. */
function mount(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), "cygnet-small-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], { stdio: "ignore" });
    return folder;
  } catch {
    rmSync(folder, { recursive: true });
    return undefined;
  }
}

/** A test that gets the path of a disk with room for 1 MB; skipped, and says so, where none can be mounted. */
export function onSmallDisk(name: string, body: (disk: string) => void | Promise<void>): void {
  test(name, async ({ skip }) => {
    const disk = mount();
    if (disk === undefined) return skip("mounting a small disk takes root");
    try {
      await body(disk);
    } finally {
      execFileSync("umount", ["--lazy", disk]); // files that tensors still read from may be open
      rmSync(disk, { recursive: true });
    }
  });
}
