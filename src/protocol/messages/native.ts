export const nativeMessages = {
  "native/not-built": (f: { path: string }) => ({
    en: `The native addon is not built (${f.path} is missing). Run: npm run setup`,
    zh: `原生模块尚未构建（缺少 ${f.path}）。请运行：npm run setup`,
  }),
};
