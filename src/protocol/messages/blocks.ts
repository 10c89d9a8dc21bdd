export const blocksMessages = {
  "blocks/columns": (f: { name: string; type: string; columns: number; elements: number }) => ({
    en: `${f.name} has rows of ${f.columns}, which ${f.type} cannot pack: its blocks are of ${f.elements}. Choose a type with smaller blocks for it, such as q8_0 (32) or f16.`,
    zh: `${f.name} 每行有 ${f.columns} 个元素，无法打包为 ${f.type}：其块大小为 ${f.elements}。请为它选择块更小的类型，例如 q8_0（32）或 f16。`,
  }),
  "blocks/not-finite": (f: { name: string; row: number; column: number; value: string }) => ({
    en: `${f.name} has ${f.value} in row ${f.row}, column ${f.column} (counted from 0). Such a weight cannot be quantized, and the model would not compute with it: check where the weights come from.`,
    zh: `${f.name} 的第 ${f.row} 行第 ${f.column} 列（从 0 开始计数）是 ${f.value}。这样的权重无法量化，模型也无法正常计算：请检查权重的来源。`,
  }),
  "blocks/overflow": (f: { name: string; row: number; column: number; type: string }) => ({
    en: `${f.name} has values too large for ${f.type} in row ${f.row}, from column ${f.column} on (counted from 0): float16 ends at 65504. Keep this weight as f32 or bf16.`,
    zh: `${f.name} 的第 ${f.row} 行从第 ${f.column} 列起（从 0 开始计数）的数值过大，无法用 ${f.type} 表示：float16 的上限是 65504。请将该权重保留为 f32 或 bf16。`,
  }),
};
