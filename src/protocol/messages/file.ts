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
  "file/onto-source": (f: { path: string }) => ({
    en: `${f.path} is the model that is read. Choose another folder to write to.`,
    zh: `${f.path} 正是要读取的模型。请选择另一个目录来写入。`,
  }),
};
