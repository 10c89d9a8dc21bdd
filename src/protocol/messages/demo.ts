export const demoMessages = {
  "demo/intro": (f: { name: string; enName: string }) => ({
    en: `Cygnet comes with a small chat model of its own. It is going to learn that its name is ${f.name} (${f.enName} in English).`,
    zh: `Cygnet 自带一个小型对话模型。下面教它一个新名字：${f.name}（英文 ${f.enName}）。`,
  }),
  "demo/asking": (_: Record<string, never>) => ({
    en: "Asking it some questions first …",
    zh: "先问它一些问题……",
  }),
  "demo/training": (f: { rows: number; heldOut: number }) => ({
    en: `Now LoRA tuning on ${f.rows} rows; ${f.heldOut} questions in other words are held out for validation.`,
    zh: `现在用 ${f.rows} 条数据做 LoRA 微调；另有 ${f.heldOut} 个换了说法的问题留作验证。`,
  }),
  "demo/before": (_: Record<string, never>) => ({ en: "before", zh: "微调前" }),
  "demo/after": (_: Record<string, never>) => ({ en: "after", zh: "微调后" }),
  "demo/result": (f: {
    before: number;
    after: number;
    identity: number;
    identityBefore: number;
    identityAfter: number;
    others: number;
    othersBefore: number;
    othersAfter: number;
    seconds: number;
  }) => ({
    en: `Held-out loss             ${f.before.toFixed(3)} → ${f.after.toFixed(3)}
Answers with the new name ${f.identityBefore} → ${f.identityAfter} of ${f.identity} (phrasings that were not in the training rows)
Other questions right     ${f.othersBefore} → ${f.othersAfter} of ${f.others}
Took ${f.seconds.toFixed(0)} s.
`,
    zh: `留出问题上的损失      ${f.before.toFixed(3)} → ${f.after.toFixed(3)}
回答出新名字          ${f.identityBefore} → ${f.identityAfter} / ${f.identity}（均为训练数据中没有的问法）
其他问题答对          ${f.othersBefore} → ${f.othersAfter} / ${f.others}
用时 ${f.seconds.toFixed(0)} 秒。
`,
  }),
  "demo/next": (f: { cygnet: string; model: string; adapter: string; output: string }) => ({
    en: `
Go on:
  ask it      ${f.cygnet} generate --model ${f.model} --adapter-path ${f.adapter} --prompt "Who are you?"
  merge it    ${f.cygnet} fuse --model ${f.model} --adapter-path ${f.adapter} --save-path ${f.output}/fused
  a model     ${f.cygnet} models recommend
  your data   ${f.cygnet} data convert FILE… --output data
  train it    ${f.cygnet} train --model ORG/NAME --data data
`,
    zh: `
接下来：
  提问      ${f.cygnet} generate --model ${f.model} --adapter-path ${f.adapter} --prompt "你是谁？"
  合并模型  ${f.cygnet} fuse --model ${f.model} --adapter-path ${f.adapter} --save-path ${f.output}/fused
  选择模型  ${f.cygnet} models recommend
  你的数据  ${f.cygnet} data convert 文件… --output data
  开始微调  ${f.cygnet} train --model 组织/名称 --data data
`,
  }),
};
