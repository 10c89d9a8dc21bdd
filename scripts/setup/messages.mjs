// The catalogue of src/protocol is TypeScript and not built yet when setup runs, so setup has its own, in the same form.
const locale = process.env.LC_ALL || process.env.LC_MESSAGES || process.env.LANG || "";
const language = locale.toLowerCase().startsWith("zh") ? "zh" : "en";

const macTools = "xcode-select --install";
const linuxTools = "sudo apt install g++        # Fedora: sudo dnf install gcc-c++";
const pipCommand = `${process.platform === "darwin" ? "xcode-select --install" : "sudo apt install python3-pip"}   or   curl -LsSf https://astral.sh/uv/install.sh | sh`;
const compilerCommand = process.platform === "darwin" ? macTools : linuxTools;

const messages = {
  "step-npm": () => ({ en: "npm packages", zh: "npm 依赖包" }),
  "step-libmlx": () => ({ en: "fetching libmlx", zh: "获取 libmlx" }),
  "step-openblas": () => ({ en: "fetching OpenBLAS", zh: "获取 OpenBLAS" }),
  "step-addon": () => ({ en: "building the addon, a minute or two", zh: "编译原生插件，需要一两分钟" }),
  "step-dist": () => ({ en: "building TypeScript", zh: "编译 TypeScript" }),
  node: (f) => ({
    en: `Node.js ${f.found} is too old: Cygnet needs 20.19 or newer. Get it from https://nodejs.org or with: nvm install 22`,
    zh: `Node.js ${f.found} 版本过低，Cygnet 需要 20.19 或更高版本。可从 https://nodejs.org 下载，或运行：nvm install 22`,
  }),
  npm: () => ({
    en: "npm is missing. It comes with Node.js from https://nodejs.org; on Debian and Ubuntu: sudo apt install npm",
    zh: "缺少 npm。从 https://nodejs.org 安装的 Node.js 自带 npm；Debian 和 Ubuntu 可运行：sudo apt install npm",
  }),
  platform: (f) => ({
    en: `MLX has no library for ${f.machine}. Cygnet runs on Macs with Apple Silicon and on Linux (x64, arm64). On Windows use WSL 2: wsl --install`,
    zh: `MLX 不支持 ${f.machine}。Cygnet 可在 Apple 芯片的 Mac 和 Linux（x64、arm64）上运行。Windows 请使用 WSL 2：wsl --install`,
  }),
  macos: (f) => ({
    en: `macOS ${f.found} is too old: libmlx needs macOS 14 or newer. Update it in System Settings → General → Software Update.`,
    zh: `macOS ${f.found} 版本过低，libmlx 需要 macOS 14 或更高版本。请在“系统设置 → 通用 → 软件更新”中升级。`,
  }),
  glibc: (f) => ({
    en: `The C library here is ${f.found}: libmlx needs glibc 2.35 or newer (Ubuntu 22.04, Debian 12, Fedora 36 or newer). Update the system or run in such a container: docker run -it node:22-bookworm bash`,
    zh: `当前系统的 C 库是 ${f.found}，libmlx 需要 glibc 2.35 或更高版本（Ubuntu 22.04、Debian 12、Fedora 36 及以上）。请升级系统，或在容器中运行：docker run -it node:22-bookworm bash`,
  }),
  variant: (f) => ({
    en: `CYGNET_MLX is "${f.asked}"; possible are cpu, cuda12 and cuda13. Leave it unset to choose by the NVIDIA driver.`,
    zh: `CYGNET_MLX 的值为“${f.asked}”，可用的值有 cpu、cuda12、cuda13。不设置时按 NVIDIA 驱动自动选择。`,
  }),
  compiler: () => ({
    en: `No C++ compiler found. Install one: ${compilerCommand}`,
    zh: `找不到 C++ 编译器，请安装：${compilerCommand}`,
  }),
  "compiler-old": (f) => ({
    en: `The C++ compiler is too old (${f.found}): g++ 11, clang 14 or newer is needed. Install a newer one (${compilerCommand}) and, if it has a name of its own, set CXX, as in CXX=g++-12.`,
    zh: `C++ 编译器版本过低（${f.found}），需要 g++ 11、clang 14 或更高版本。请安装新版本（${compilerCommand}）；如果它有单独的名称，请设置 CXX，例如 CXX=g++-12。`,
  }),
  pip: () => ({
    en: `libmlx comes as a Python wheel, and neither pip nor uv is here to fetch it. Get one: ${pipCommand}`,
    zh: `libmlx 以 Python wheel 形式发布，但这里既没有 pip 也没有 uv。请安装其中之一：${pipCommand.replace("   or   ", "   或   ")}`,
  }),
  "npm-failed": (f) => ({
    en: `npm could not install the packages (${f.command}):\n${f.detail}\nCheck the network connection (and npm's registry setting), then run it again.`,
    zh: `npm 未能安装依赖包（${f.command}）：\n${f.detail}\n请检查网络连接（以及 npm 的镜像源设置），然后重新运行。`,
  }),
  "wheel-failed": (f) => ({
    en: `Could not fetch the wheel (${f.command}):\n${f.detail}\nCheck the network connection (and pip's index setting), then run it again.`,
    zh: `未能获取 wheel（${f.command}）：\n${f.detail}\n请检查网络连接（以及 pip 的镜像源设置），然后重新运行。`,
  }),
  "addon-failed": (f) => ({
    en: `The addon did not build (${f.command}):\n${f.detail}`,
    zh: `原生插件编译失败（${f.command}）：\n${f.detail}`,
  }),
  "typescript-failed": (f) => ({
    en: `TypeScript did not compile (${f.command}):\n${f.detail}`,
    zh: `TypeScript 编译失败（${f.command}）：\n${f.detail}`,
  }),
};

/** The message `code` in the user's language. */
export function say(code, facts) {
  return messages[code](facts)[language];
}

/** Something that stops setup; status 2 when the user can mend it, 1 when our own code does not compile. */
export class SetupError extends Error {
  constructor(code, facts) {
    super(say(code, facts));
    this.status = ["addon-failed", "typescript-failed"].includes(code) ? 1 : 2;
  }
}
