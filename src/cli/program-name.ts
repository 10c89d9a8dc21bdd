import { basename, relative } from "node:path";

/** How this program is called again: `cygnet` where it is installed, else through the file that was run. */
export function programName(): string {
  const file = process.argv[1] ?? "";
  return basename(file) === "cygnet.mjs" ? `node ${relative(process.cwd(), file)}` : "cygnet";
}
