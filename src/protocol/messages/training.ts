const at = (where: string | undefined) => (where === undefined ? "" : `${where}: `);

export const trainingMessages = {
  "config/problems": (f: { problems: readonly string[] }) => ({
    en: f.problems.join("\n"),
    zh: f.problems.join("\n"),
  }),
  "config/not-yaml": (f: { path: string; line: number; reason: string }) => ({
    en: `${f.path}:${f.line}: this is not valid YAML: ${f.reason}`,
    zh: `${f.path}:${f.line}：不是有效的 YAML：${f.reason}`,
  }),
  "config/not-a-mapping": (f: { path: string }) => ({
    en: `${f.path} must hold "key: value" lines, such as "iters: 500".`,
    zh: `${f.path} 的内容应为“键: 值”形式，例如“iters: 500”。`,
  }),
  "config/unknown-key": (f: {
    where: string | undefined;
    key: string;
    nearest: string | undefined;
    known: readonly string[];
  }) =>
    f.nearest === undefined
      ? {
          en: `${at(f.where)}unknown key "${f.key}"; possible are ${f.known.join(", ")}`,
          zh: `${at(f.where)}未知的键“${f.key}”；可用的键有 ${f.known.join("、")}`,
        }
      : {
          en: `${at(f.where)}unknown key "${f.key}". Did you mean "${f.nearest}"?`,
          zh: `${at(f.where)}未知的键“${f.key}”，是否想写“${f.nearest}”？`,
        },
  "config/missing-key": (f: { where: string | undefined; key: string; expected: string }) => ({
    en: `${at(f.where)}"${f.key}" is missing: ${f.expected}`,
    zh: `${at(f.where)}缺少“${f.key}”：需要${f.expected}`,
  }),
  "config/wrong-value": (f: { where: string | undefined; key: string; found: string; expected: string }) => ({
    en: `${at(f.where)}${f.key} is ${f.found}: expected ${f.expected}`,
    zh: `${at(f.where)}${f.key} 的值为 ${f.found}：需要${f.expected}`,
  }),
  "config/alpha": (f: { where: string | undefined; key: string; alpha: string; rank: string; scale: string }) => ({
    en: `${at(f.where)}"${f.key}" is not a key here: give "scale" instead, which multiplies the update directly. scale = alpha / rank = ${f.alpha} / ${f.rank} = ${f.scale}`,
    zh: `${at(f.where)}这里没有“${f.key}”这个键，请改用“scale”，它直接乘在更新量上：scale = alpha / rank = ${f.alpha} / ${f.rank} = ${f.scale}`,
  }),
  "config/schedule-arguments": (f: { name: string; arguments: readonly string[] }) => ({
    en: `[${f.arguments.join(", ")}], as ${f.name} takes`,
    zh: ` [${f.arguments.join(", ")}]（${f.name} 的参数）`,
  }),
  "config/optimizer-later": (f: { where: string | undefined; optimizer: string; possible: readonly string[] }) => ({
    en: `${at(f.where)}the optimizer ${f.optimizer} comes in a later version; possible now are ${f.possible.join(", ")}`,
    zh: `${at(f.where)}优化器 ${f.optimizer} 将在后续版本提供；目前可用的有 ${f.possible.join("、")}`,
  }),
  "config/no-hub-data": (f: { where: string | undefined }) => ({
    en: `${at(f.where)}hf_dataset is not available in this version: put train.jsonl and valid.jsonl into a folder and name it with "data" (or --data)`,
    zh: `${at(f.where)}此版本尚不支持 hf_dataset：请把 train.jsonl 和 valid.jsonl 放入一个文件夹，并用“data”（或 --data）指定`,
  }),
  "config/nothing-to-do": (_: Record<string, never>) => ({
    en: "train and test are both off, so there is nothing to do: set one of them to true (--train, --test)",
    zh: "train 和 test 都已关闭，没有可做的事：请将其中之一设为 true（--train、--test）",
  }),

  "track/resumed": (f: { iteration: number }) => ({
    en: `Continuing after iteration ${f.iteration}`,
    zh: `从第 ${f.iteration} 步之后继续`,
  }),
  "track/eta": (f: { left: string }) => ({ en: `${f.left} left`, zh: `剩余 ${f.left}` }),
  "track/warning": (f: { message: string }) => ({ en: `Warning: ${f.message}`, zh: `警告：${f.message}` }),
  "track/plot-legend": (f: { train: string; validation: string | undefined }) =>
    f.validation === undefined
      ? { en: `█ train loss ${f.train}`, zh: `█ 训练损失 ${f.train}` }
      : {
          en: `█ train loss ${f.train}   ● validation loss ${f.validation}`,
          zh: `█ 训练损失 ${f.train}   ● 验证损失 ${f.validation}`,
        },
  "track/done": (f: { iteration: number; duration: string; folder: string }) => ({
    en: `Done: ${f.iteration} iterations in ${f.duration}. The adapters are in ${f.folder}`,
    zh: `完成：共 ${f.iteration} 步，用时 ${f.duration}。适配器保存在 ${f.folder}`,
  }),
  "track/interrupted": (f: { iteration: number; duration: string; folder: string }) => ({
    en: `Stopped after ${f.iteration} iterations (${f.duration}); what was learnt is saved in ${f.folder}. Go on with: cygnet train --config ${f.folder}/config.yaml --resume`,
    zh: `已在第 ${f.iteration} 步停止（用时 ${f.duration}），训练结果已保存在 ${f.folder}。继续训练：cygnet train --config ${f.folder}/config.yaml --resume`,
  }),
  "track/upload": (f: { command: string }) => ({
    en: `To upload this run: ${f.command}`,
    zh: `上传本次运行记录：${f.command}`,
  }),
};
