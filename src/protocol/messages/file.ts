export const fileMessages = {
  "file/not-found": (f: { path: string; what: string }) => ({
    en: `${f.what} not found: ${f.path}`,
    zh: `找不到 ${f.what}：${f.path}`,
  }),
  "file/write-failed": (f: { path: string; reason: string }) => ({
    en: `Could not write ${f.path}: ${f.reason}. What was there before is unchanged.`,
    zh: `无法写入 ${f.path}：${f.reason}。原有文件保持不变。`,
  }),
  "file/unreadable-safetensors": (f: { path: string; reason: string }) => ({
    en: `${f.path} cannot be read as a safetensors file: ${f.reason}. Download or export it again.`,
    zh: `无法把 ${f.path} 作为 safetensors 文件读取：${f.reason}。请重新下载或导出。`,
  }),
  "file/absent": (f: { path: string }) => ({
    en: `There is no file ${f.path}.`,
    zh: `没有文件 ${f.path}。`,
  }),
  "file/is-folder": (f: { path: string }) => ({
    en: `${f.path} is a folder. Give a file.`,
    zh: `${f.path} 是文件夹，请给出文件。`,
  }),
  "file/unreadable": (f: { path: string; reason: string }) => ({
    en: `${f.path} cannot be read: ${f.reason}`,
    zh: `无法读取 ${f.path}：${f.reason}`,
  }),
  "file/not-json": (f: { path: string; reason: string }) => ({
    en: `${f.path} is not valid JSON: ${f.reason}`,
    zh: `${f.path} 不是有效的 JSON：${f.reason}`,
  }),
  "file/target-exists": (f: { path: string }) => ({
    en: `${f.path} exists and is not empty. Choose another folder, or give --force to replace it.`,
    zh: `${f.path} 已存在且不为空。请换一个目录，或用 --force 覆盖。`,
  }),
  "file/target-not-a-model": (f: { path: string; names: readonly string[] }) => ({
    en: `${f.path} is no model folder: it has ${listed(f.names, ", ")} and no config.json. --force replaces models only. Choose another folder.`,
    zh: `${f.path} 不是模型目录：其中有 ${listed(f.names, "、")}，但没有 config.json。--force 只会覆盖模型，请换一个目录。`,
  }),
  "file/around-source": (f: { path: string; source: string }) => ({
    en: `${f.path} contains ${f.source}, the model that is read, and cannot be replaced. Choose another folder to write to.`,
    zh: `${f.path} 包含要读取的模型 ${f.source}，不能覆盖。请选择另一个目录来写入。`,
  }),
  "file/not-a-folder": (f: { path: string; file: string }) => ({
    en: `Cannot make the folder ${f.path}: ${f.file} is a file. Choose another folder.`,
    zh: `无法创建目录 ${f.path}：${f.file} 是一个文件。请换一个目录。`,
  }),
  "file/no-room": (f: { path: string; neededBytes: number; freeBytes: number }) => ({
    en: `${f.path} will have ${size(f.neededBytes)}, and its disk has ${size(f.freeBytes)} free. Make room, or choose a folder on another disk. Nothing was written.`,
    zh: `${f.path} 将占用 ${size(f.neededBytes)}，而所在磁盘只剩 ${size(f.freeBytes)}。请清理空间，或选择其他磁盘上的目录。未写入任何内容。`,
  }),
  "file/onto-source": (f: { path: string }) => ({
    en: `${f.path} is the model that is read. Choose another folder to write to.`,
    zh: `${f.path} 正是要读取的模型。请选择另一个目录来写入。`,
  }),
};

function size(bytes: number): string {
  return bytes >= 1e8 ? `${(bytes / 1e9).toFixed(2)} GB` : `${(bytes / 1e6).toFixed(2)} MB`;
}

function listed(names: readonly string[], separator: string): string {
  return names.slice(0, 3).join(separator) + (names.length > 3 ? `${separator}…` : "");
}
