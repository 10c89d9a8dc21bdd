/** MLX's dtypes, in the order of the addon's table. */
export const dtypes = [
  "bool",
  "uint8",
  "uint16",
  "uint32",
  "uint64",
  "int8",
  "int16",
  "int32",
  "int64",
  "float16",
  "float32",
  "float64",
  "bfloat16",
  "complex64",
] as const;

export type DType = (typeof dtypes)[number];

const indices = new Map<DType, number>(dtypes.map((name, index) => [name, index]));

export function dtypeIndex(dtype: DType): number {
  const index = indices.get(dtype);
  if (index === undefined) throw new TypeError(`unknown dtype ${dtype}`);
  return index;
}

export function isFloating(dtype: DType): boolean {
  return dtype.startsWith("float") || dtype === "bfloat16";
}
