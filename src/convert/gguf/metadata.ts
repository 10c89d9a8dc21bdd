// https://github.com/ggml-org/ggml/blob/master/docs/gguf.md: the types of metadata values.

export const numberTypes = {
  uint8: { code: 0, bytes: 1 },
  int8: { code: 1, bytes: 1 },
  uint16: { code: 2, bytes: 2 },
  int16: { code: 3, bytes: 2 },
  uint32: { code: 4, bytes: 4 },
  int32: { code: 5, bytes: 4 },
  float32: { code: 6, bytes: 4 },
  uint64: { code: 10, bytes: 8 },
  int64: { code: 11, bytes: 8 },
  float64: { code: 12, bytes: 8 },
} as const;
export type NumberType = keyof typeof numberTypes;

export const boolCode = 7;
export const stringCode = 8;
export const arrayCode = 9;

/** 64-bit integers are numbers here, exact up to 2^53. */
export type MetadataValue =
  | { type: NumberType; value: number }
  | { type: "bool"; value: boolean }
  | { type: "string"; value: string }
  | { type: "numbers"; of: NumberType; value: readonly number[] }
  | { type: "bools"; value: readonly boolean[] }
  | { type: "strings"; value: readonly string[] };

/** A file's metadata by key, in the file's order. */
export type Metadata = Map<string, MetadataValue>;

/** Builders of the values that are written. */
export const uint32 = (value: number): MetadataValue => ({ type: "uint32", value });
export const float32 = (value: number): MetadataValue => ({ type: "float32", value });
export const bool = (value: boolean): MetadataValue => ({ type: "bool", value });
export const text = (value: string): MetadataValue => ({ type: "string", value });
export const texts = (value: readonly string[]): MetadataValue => ({ type: "strings", value });
export const int32s = (value: readonly number[]): MetadataValue => ({ type: "numbers", of: "int32", value });
export const float32s = (value: readonly number[]): MetadataValue => ({ type: "numbers", of: "float32", value });

/** The values without their types, for zod. */
export function plainMetadata(metadata: Metadata): Record<string, unknown> {
  return Object.fromEntries([...metadata].map(([key, { value }]) => [key, value]));
}
