export const fileMessages = {
  "file/not-found": (f: { path: string; what: string }) => ({
    en: `${f.what} not found: ${f.path}`,
    zh: `找不到 ${f.what}：${f.path}`,
  }),
  "file/write-failed": (f: { path: string; reason: string }) => ({
    en: `Could not write ${f.path}: ${f.reason}. What was there before is unchanged.`,
    zh: `无法写入 ${f.path}：${f.reason}。原有文件保持不变。`,
  }),
};
