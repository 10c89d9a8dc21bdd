import { spawnSync } from "node:child_process";
import { SetupError } from "./messages.mjs";

/** Runs a program and returns its standard output; a failure becomes `SetupError(code)` with what it printed. */
export function run(program, args, code, options = {}) {
  const result = spawnSync(program, args, { encoding: "utf8", maxBuffer: 1e9, ...options });
  if (result.signal === "SIGINT") process.exit(130);
  if (result.status === 0) return result.stdout;
  const printed = `${result.stdout ?? ""}${result.stderr ?? ""}`.trim() || String(result.error ?? result.signal);
  throw new SetupError(code, { command: [program, ...args].join(" "), detail: endsOf(printed.split("\n")) });
}

/** npm tells the cause first, compilers and pip last: both ends of a long output. */
function endsOf(lines) {
  return (lines.length <= 50 ? lines : [...lines.slice(0, 15), "…", ...lines.slice(-30)]).join("\n");
}

/** The standard output of a program, or undefined when it is not there or fails. */
export function output(program, args) {
  const result = spawnSync(program, args, { encoding: "utf8" });
  return result.status === 0 ? result.stdout : undefined;
}

/** Runs npm; inside `npm test` it is the very npm that runs us, which need not be on PATH. */
export function npm(cwd, args) {
  const own = process.env.npm_execpath ?? "";
  const [program, prefix] = own.endsWith("npm-cli.js") ? [process.execPath, [own]] : ["npm", []];
  if (program === "npm" && output("npm", ["--version"]) === undefined) throw new SetupError("npm", {});
  run(program, [...prefix, ...args], "npm-failed", { cwd });
}

/** What fetches wheels here: a Python with pip, or else uv. */
export function findInstaller() {
  const python = ["python3", "python"].find((name) => output(name, ["-m", "pip", "--version"]) !== undefined);
  if (python) return { program: python, pip: true };
  if (output("uv", ["--version"]) !== undefined) return { program: "uv", pip: false };
  throw new SetupError("pip", {});
}

/**
 * Unpacks wheels into `target`. They hold no Python that runs here, so they are chosen for a Python that they admit,
 * whatever the one that pip runs on (macOS ships 3.9).
 */
export function wheel(requirements, target, { dependencies }) {
  const { program, pip } = findInstaller();
  const common = ["--quiet", "--target", target, "--only-binary=:all:", "--python-version", "3.12"];
  if (!dependencies) common.push("--no-deps");
  const mac = process.platform === "darwin";
  if (pip) {
    const own = ["--no-input", "--no-compile", "--no-user", "--disable-pip-version-check"];
    if (mac) own.push("--platform", "macosx_14_0_arm64");
    const env = { ...process.env, PIP_REQUIRE_VIRTUALENV: "0", PIP_ROOT_USER_ACTION: "ignore" };
    run(program, ["-m", "pip", "install", ...common, ...own, ...requirements], "wheel-failed", { env });
  } else {
    const own = mac ? ["--python-platform", "aarch64-apple-darwin"] : [];
    const env = { ...process.env, MACOSX_DEPLOYMENT_TARGET: "14.0" };
    run(program, ["pip", "install", ...common, ...own, ...requirements], "wheel-failed", { env });
  }
}
