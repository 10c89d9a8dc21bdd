import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { main } from "../src/cli/main.ts";
import { setLanguage } from "../src/protocol/language.ts";
import { cygnet, cygnetStarted, folderWith, toys } from "./command-line.ts";
import { onSmallDisk } from "./small-disk.ts";

// Every mistake of `cygnet convert`: a message in the language asked for, status 2, nothing written and nothing lost.

const model = join(toys, "qwen3");
const packed = join(toys, "qwen3-4bit-g32");
const tiny = join(import.meta.dirname, "../assets/cygnet-tiny");

interface Mistake {
  name: string;
  args: string[];
  /** What both languages say. */
  says: RegExp[];
  files?: Record<string, string>;
  /** Makes `source` of the toy. */
  change?: (source: string) => void;
}

const mistakes: Mistake[] = [
  { name: "an unknown mode", args: ["-q", "--q-mode", "fp4"], says: [/--q-mode/, /fp4/, /mxfp4/, /nvfp4/] },
  { name: "bits that affine has not", args: ["-q", "--q-bits", "7"], says: [/--q-bits/, /7/, /2, 3, 4|2、3、4/] },
  { name: "bits that a mode has not", args: ["-q", "--q-mode", "mxfp4", "--q-bits", "8"], says: [/mxfp4/, /8/, /4/] },
  { name: "a group size that is none", args: ["-q", "--q-group-size", "48"], says: [/48/, /32(, |、)64(, |、)128/] },
  {
    name: "groups into which no layer divides",
    args: ["-q", "--q-group-size", "128", "--q-rule", "*down_proj=skip"],
    says: [/128/, /--q-group-size/],
  },
  { name: "a rule that is none", args: ["-q", "--q-rule", "nonsense"], says: [/--q-rule nonsense/, /\*\.down_proj=6/] },
  { name: "a rule for no layer", args: ["-q", "--q-rule", "*.up=4"], says: [/--q-rule \*\.up=4/, /mlp\.up_proj/] },
  { name: "a rule with an unknown mode", args: ["-q", "--q-rule", "*=4:64:fp4"], says: [/\*=4:64:fp4/, /mxfp4/] },
  { name: "a rule with bits that are none", args: ["-q", "--q-rule", "*=9"], says: [/\*=9/, /affine/, /8/] },
  { name: "a packed source to pack", args: ["-q", "--model", packed], says: [/--dequantize/] },
  { name: "a plain source to unpack", args: ["-d"], says: [/--dequantize/] },
  { name: "both at once", args: ["-q", "-d"], says: [/--quantize/, /--dequantize/] },
  { name: "bits without -q", args: ["--q-bits", "4"], says: [/--q-bits/, /-q/] },
  {
    name: "a recipe in another mode",
    args: ["-q", "--quant-predicate", "mixed_3_6", "--q-mode", "mxfp8"],
    says: [/mixed_3_6/, /mxfp8/],
  },
  { name: "the source as the target", args: ["-q", "--mlx-path", "./source/"], says: [/source/] },
  { name: "the source as the target by force", args: ["-q", "--mlx-path", "source", "--force"], says: [/source/] },
  { name: "a folder around the source by force", args: ["-q", "--mlx-path", ".", "--force"], says: [/source/] },
  {
    name: "a model that is there",
    files: { "there/config.json": "{}", "there/mine.txt": "keep" },
    args: ["-q", "--mlx-path", "there"],
    says: [/there/, /--force/],
  },
  {
    name: "a folder that is no model, by force",
    files: { "there/thesis.txt": "keep", "there/notes/a.txt": "keep" },
    args: ["-q", "--mlx-path", "there", "--force"],
    says: [/there/, /thesis\.txt/, /config\.json/],
  },
  { name: "a file as the target", files: { there: "keep" }, args: ["-q", "--mlx-path", "there"], says: [/there/] },
  {
    name: "a target below a file",
    files: { there: "keep" },
    args: ["-q", "--mlx-path", "there/a/b"],
    says: [/there\/a\/b/],
  },
  { name: "no model", args: ["-q", "--model", "./nowhere"], says: [/nowhere/] },
  {
    name: "a source without config.json",
    args: ["-q"],
    change: (source) => rmSync(join(source, "config.json")),
    says: [/source\/config\.json/],
  },
  {
    name: "a config.json cut short",
    args: ["-q"],
    change: (source) => writeFileSync(join(source, "config.json"), '{"model_type":'),
    says: [/source\/config\.json/, /JSON/],
  },
  {
    name: "weights cut short",
    args: ["-q"],
    change: (source) => cut(source, 5000),
    says: [/source\/model\.safetensors/],
  },
  { name: "empty weights", args: ["-q"], change: (source) => cut(source, 0), says: [/source\/model\.safetensors/] },
  {
    name: "weights that are something else",
    args: ["-q"],
    change: (source) => writeFileSync(join(source, "model.safetensors"), "<html>404 Not Found</html>"),
    says: [/source\/model\.safetensors/],
  },
  {
    name: "no weights",
    args: ["-q"],
    change: (source) => rmSync(join(source, "model.safetensors")),
    says: [/model\.safetensors/],
  },
  { name: "a calibration file that is not there", args: ["-q", "--calibrate", "nowhere.txt"], says: [/nowhere\.txt/] },
  {
    name: "an empty calibration file",
    files: { "empty.txt": "" },
    args: ["-q", "--calibrate", "empty.txt"],
    says: [/empty\.txt/],
  },
  {
    name: "a calibration file with a broken line",
    files: { "rows.jsonl": '{"text": "once upon a time"}\n{"text": \n' },
    args: ["-q", "--calibrate", "rows.jsonl"],
    says: [/rows\.jsonl/, /2/, /JSON/],
  },
  { name: "a folder to calibrate on", args: ["-q", "--calibrate", "source"], says: [/source/] },
  {
    name: "a text for the quality that is not there",
    args: ["-q", "--quality", "--data", "nowhere.txt"],
    says: [/nowhere\.txt/],
  },
];

function cut(source: string, bytes: number): void {
  const path = join(source, "model.safetensors");
  writeFileSync(path, readFileSync(path).subarray(0, bytes));
}

/** Every file below a folder with its content. */
function contents(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map(({ parentPath, name }) => [join(parentPath, name), readFileSync(join(parentPath, name), "latin1")]),
  );
}

/** The command line in this process: a program of its own for each of so many takes a minute. */
async function inProcess(args: readonly string[], cwd: string) {
  const told = { stdout: "", stderr: "" };
  const before = process.cwd();
  for (const name of ["stdout", "stderr"] as const) {
    process[name].setMaxListeners(0); // each call listens for a closed pipe
    vi.spyOn(process[name], "write").mockImplementation((text) => {
      told[name] += String(text);
      return true;
    });
  }
  process.chdir(cwd);
  try {
    return { status: await main(args), ...told };
  } finally {
    process.chdir(before);
    vi.restoreAllMocks();
    setLanguage("en");
  }
}

describe.each(mistakes)("convert answers $name", ({ args, files = {}, change, says }) => {
  test.each(["en", "zh"])("%s", async (lang) => {
    const folder = folderWith(files);
    cpSync(model, join(folder, "source"), { recursive: true });
    change?.(join(folder, "source"));
    const before = contents(folder);
    const source = args.includes("--model") ? [] : ["--model", "source"];
    const quality = args.includes("--quality") ? [] : ["--no-quality"];
    const all = ["convert", ...source, ...quality, "--lang", lang, ...args];
    const { status, stdout, stderr } = await inProcess(all, folder);
    expect(status, stderr).toBe(2);
    for (const pattern of says) expect(stderr).toMatch(pattern);
    expect(/[\u4e00-\u9fff]/.test(stderr)).toBe(lang === "zh");
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(stdout).toBe("");
    expect(contents(folder)).toEqual(before);
  });
});

test("what is forced over a model replaces all of it", () => {
  const folder = folderWith({ "copy/config.json": "{}", "copy/model-00001-of-00002.safetensors": "old" });
  const args = [
    "convert",
    "--model",
    model,
    "-q",
    "--q-group-size",
    "32",
    "--mlx-path",
    "copy",
    "--force",
    "--no-quality",
  ];
  expect(cygnet(args, { cwd: folder }).status).toBe(0);
  expect(readdirSync(join(folder, "copy"))).not.toContain("model-00001-of-00002.safetensors");
  expect(readdirSync(folder)).toEqual(["copy"]);
});

onSmallDisk("a disk without room is told before anything is written", (disk) => {
  for (const [lang, says] of [
    ["en", /copy will have 12\.\d+ MB.*free/],
    ["zh", /只剩.*MB/],
  ] as const) {
    const args = ["convert", "--model", tiny, "--dtype", "float32", "--mlx-path", join(disk, "copy"), "--lang", lang];
    const { status, stderr } = cygnet([...args, "--no-quality"]);
    expect([status, stderr]).toEqual([2, expect.stringMatching(says)]);
    expect(readdirSync(disk)).toEqual([]);
  }
});

describe("an interrupt", () => {
  test.each(["SIGINT", "SIGTERM"] as const)("by %s leaves nothing half-written, and what was there", async (signal) => {
    const folder = folderWith({ "copy/config.json": "{}", "copy/mine.txt": "keep" });
    const args = [
      "convert",
      "--model",
      tiny,
      "-q",
      "--q-mode",
      "nvfp4",
      "--mlx-path",
      "copy",
      "--force",
      "--no-quality",
    ];
    const { child, finished } = cygnetStarted(args, { cwd: folder });
    const timer = setInterval(() => {
      if (!existsSync(join(folder, "copy.part"))) return;
      clearInterval(timer);
      child.kill(signal);
    }, 1);
    const { status, stderr } = await finished;
    clearInterval(timer);
    expect(status, stderr).toBe(130);
    expect(stderr).toContain("Nothing was written to copy");
    expect(readdirSync(folder)).toEqual(["copy"]);
    expect(readFileSync(join(folder, "copy/mine.txt"), "utf8")).toBe("keep");
  });

  test("amid calibration ends it too", async () => {
    const folder = folderWith({ "text.txt": "Once upon a time there was a cygnet. ".repeat(3000) });
    mkdirSync(join(folder, "out"));
    const args = ["convert", "--model", tiny, "-q", "--q-group-size", "32", "--calibrate", "text.txt", "--no-quality"];
    const { child, finished } = cygnetStarted([...args, "--mlx-path", "out/copy"], { cwd: folder });
    child.stderr?.once("data", () => child.kill("SIGINT")); // "Converting …" comes just before
    const { status, stderr } = await finished;
    expect([status, stderr]).toEqual([130, expect.stringContaining("Nothing was written")]);
    expect(readdirSync(join(folder, "out"))).toEqual([]);
  });
});
