import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { UserError } from "../protocol/user-error.ts";

// The addon's interface, and the only place that loads it. native/*.cc registers the same names; binding.test.ts compares.

/** A tensor's slot number in the addon's table. */
export type Handle = number;
type Optional = Handle | undefined;
type Shape = readonly number[];
type TypedArray =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;
/** A function that MLX traces: lists of handles in, one list out. */
type Traced = (...lists: Handle[][]) => Handle[];

export const unaryOps = [
  "abs",
  "negative",
  "sign",
  "exp",
  "expm1",
  "log",
  "log1p",
  "log2",
  "sqrt",
  "rsqrt",
  "square",
  "reciprocal",
  "sigmoid",
  "tanh",
  "sin",
  "cos",
  "erf",
  "floor",
  "ceil",
  "logicalNot",
  "isnan",
  "isinf",
  "isfinite",
  "stopGradient",
  "zerosLike",
  "onesLike",
] as const;
export const binaryOps = [
  "add",
  "subtract",
  "multiply",
  "divide",
  "floorDivide",
  "remainder",
  "power",
  "maximum",
  "minimum",
  "logaddexp",
  "equal",
  "notEqual",
  "less",
  "lessEqual",
  "greater",
  "greaterEqual",
  "logicalAnd",
  "logicalOr",
] as const;
export const reductionOps = ["sum", "mean", "prod", "max", "min", "all", "any", "logsumexp"] as const;

export type UnaryOp = (typeof unaryOps)[number];
export type BinaryOp = (typeof binaryOps)[number];
export type ReductionOp = (typeof reductionOps)[number];

interface NamedOps {
  // Arrays. A dtype is its place in `dtypes` of core/dtype.ts.
  fromTypedArray(data: TypedArray, shape: Shape): Handle;
  toTypedArray(a: Handle): TypedArray;
  toBytes(a: Handle): Uint8Array;
  item(a: Handle): number;
  dtype(a: Handle): number;
  shape(a: Handle): number[];
  size(a: Handle): number;
  nbytes(a: Handle): number;
  isAvailable(a: Handle): boolean;
  scalar(value: number, dtype: number): Handle;
  zeros(shape: Shape, dtype: number): Handle;
  ones(shape: Shape, dtype: number): Handle;
  full(shape: Shape, value: number, dtype: number): Handle;
  arange(start: number, stop: number, step: number, dtype: number): Handle;
  eye(n: number, m: number, k: number, dtype: number): Handle;
  tri(n: number, m: number, k: number, dtype: number): Handle;
  // Element-wise
  round(a: Handle, decimals: number): Handle;
  where(condition: Handle, x: Handle, y: Handle): Handle;
  clip(a: Handle, low: number | undefined, high: number | undefined): Handle;
  // Reductions, sorting
  variance(a: Handle, axes: Shape | undefined, keepdims: boolean, ddof: number): Handle;
  argmax(a: Handle, axis: number, keepdims: boolean): Handle;
  argmin(a: Handle, axis: number, keepdims: boolean): Handle;
  softmax(a: Handle, axes: Shape, precise: boolean): Handle;
  cumsum(a: Handle, axis: number, reverse: boolean, inclusive: boolean): Handle;
  cumprod(a: Handle, axis: number, reverse: boolean, inclusive: boolean): Handle;
  sort(a: Handle, axis: number): Handle;
  argsort(a: Handle, axis: number): Handle;
  partition(a: Handle, kth: number, axis: number): Handle;
  argpartition(a: Handle, kth: number, axis: number): Handle;
  topk(a: Handle, k: number, axis: number): Handle;
  // Shapes, indexing
  astype(a: Handle, dtype: number): Handle;
  view(a: Handle, dtype: number): Handle;
  contiguous(a: Handle): Handle;
  reshape(a: Handle, shape: Shape): Handle;
  flatten(a: Handle, start: number, end: number): Handle;
  squeeze(a: Handle, axes: Shape | undefined): Handle;
  expandDims(a: Handle, axes: Shape): Handle;
  transpose(a: Handle, axes: Shape | undefined): Handle;
  swapaxes(a: Handle, x: number, y: number): Handle;
  moveaxis(a: Handle, from: number, to: number): Handle;
  broadcastTo(a: Handle, shape: Shape): Handle;
  concatenate(arrays: Handle[], axis: number): Handle;
  stack(arrays: Handle[], axis: number): Handle;
  split(a: Handle, parts: number, axis: number): Handle[];
  splitAt(a: Handle, indices: Shape, axis: number): Handle[];
  repeat(a: Handle, repeats: number, axis: number): Handle;
  tile(a: Handle, reps: Shape): Handle;
  flip(a: Handle, axes: Shape): Handle;
  tril(a: Handle, k: number): Handle;
  triu(a: Handle, k: number): Handle;
  pad(a: Handle, axes: Shape, low: Shape, high: Shape, value: number): Handle;
  slice(a: Handle, start: Shape, stop: Shape, strides: Shape): Handle;
  sliceUpdate(a: Handle, update: Handle, start: Shape, stop: Shape): Handle;
  take(a: Handle, indices: Handle, axis: number): Handle;
  takeAlongAxis(a: Handle, indices: Handle, axis: number): Handle;
  putAlongAxis(a: Handle, indices: Handle, values: Handle, axis: number): Handle;
  scatterAddAxis(a: Handle, indices: Handle, values: Handle, axis: number): Handle;
  gather(a: Handle, indices: Handle[], axes: Shape, sliceSizes: Shape): Handle;
  scatter(a: Handle, indices: Handle[], updates: Handle, axes: Shape): Handle;
  scatterAdd(a: Handle, indices: Handle[], updates: Handle, axes: Shape): Handle;
  // Products
  matmul(a: Handle, b: Handle): Handle;
  addmm(c: Handle, a: Handle, b: Handle, alpha: number, beta: number): Handle;
  gatherMm(a: Handle, b: Handle, lhs: Optional, rhs: Optional, sorted: boolean): Handle;
  quantize(w: Handle, groupSize: number, bits: number, mode: string): Handle[];
  dequantize(
    w: Handle,
    scales: Handle,
    biases: Optional,
    groupSize: number,
    bits: number,
    mode: string,
    dtype: number | undefined,
  ): Handle;
  quantizedMatmul(
    x: Handle,
    w: Handle,
    scales: Handle,
    biases: Optional,
    transpose: boolean,
    groupSize: number,
    bits: number,
    mode: string,
  ): Handle;
  gatherQmm(
    x: Handle,
    w: Handle,
    scales: Handle,
    biases: Optional,
    lhs: Optional,
    rhs: Optional,
    transpose: boolean,
    groupSize: number,
    bits: number,
    mode: string,
    sorted: boolean,
  ): Handle;
  // Fast
  rmsNorm(x: Handle, weight: Optional, eps: number): Handle;
  layerNorm(x: Handle, weight: Optional, bias: Optional, eps: number): Handle;
  rope(
    x: Handle,
    dims: number,
    traditional: boolean,
    base: number | undefined,
    scale: number,
    offset: number,
    freqs: Optional,
  ): Handle;
  scaledDotProductAttention(q: Handle, k: Handle, v: Handle, scale: number, maskMode: string, mask: Optional): Handle;
  crossEntropy(logits: Handle, targets: Handle): Handle;
  // Random
  randomSeed(seed: number): void;
  randomKey(seed: number): Handle;
  randomNextKey(): Handle;
  randomSplit(key: Handle, count: number): Handle;
  randomBits(shape: Shape, width: number, key: Optional): Handle;
  randomUniform(low: number, high: number, shape: Shape, dtype: number, key: Optional): Handle;
  randomNormal(shape: Shape, dtype: number, mean: number, deviation: number, key: Optional): Handle;
  randomTruncatedNormal(low: number, high: number, shape: Shape, dtype: number, key: Optional): Handle;
  randomInteger(low: number, high: number, shape: Shape, dtype: number, key: Optional): Handle;
  randomBernoulli(p: number, shape: Shape, key: Optional): Handle;
  randomCategorical(logits: Handle, axis: number, key: Optional): Handle;
  randomGumbel(shape: Shape, dtype: number, key: Optional): Handle;
  randomPermutation(count: number, key: Optional): Handle;
  // Files
  loadSafetensors(path: string): [Record<string, Handle>, Record<string, string>];
  saveSafetensors(path: string, names: string[], tensors: Handle[], metadata: Record<string, string>): void;
  quantizeBlocks(w: Handle, format: number, importance: Float32Array | undefined): Uint8Array | [number, number];
  dequantizeBlocks(bytes: Uint8Array, format: number, shape: Shape): Handle;
  // Scopes, memory (bytes)
  pushScope(): void;
  popScope(returned: Handle[]): void;
  keep(handle: Handle): void;
  free(handle: Handle): void;
  liveTensors(): number;
  activeMemory(): number;
  peakMemory(): number;
  cacheMemory(): number;
  cacheIsBounded(): boolean;
  resetPeakMemory(): void;
  clearCache(): void;
  memoryLimit(): number;
  setMemoryLimit(bytes: number): number;
  setCacheLimit(bytes: number): number;
  setWiredLimit(bytes: number): number;
  // Device
  mlxVersion(): string;
  deviceAvailable(name: string): boolean;
  defaultDevice(): string;
  setDefaultDevice(name: string): void;
  deviceInfo(name: string): Record<string, string | number>;
  newStream(device: string): number;
  setDefaultStream(index: number, device: string): void;
  synchronize(): void;
  // Our own kernels: on a Linux CPU only, but for hasCpuKernels and cpuThreads
  hasCpuKernels(): boolean;
  cpuThreads(): number;
  setCpuThreads(count: number): void;
  cpuIsa(): string;
  cpuIsas(): string[];
  setCpuIsa(name: string): void;
  hasCpuBf16(): boolean;
  cpuLinear(x: Handle, operands: Handle[], settings: number[]): Handle[];
  linearCrossEntropy(hidden: Handle, weight: Handle[], settings: number[], targets: Handle, gradients: number): Handle;
  cpuAttention(operands: Handle[], settings: number[], texts: readonly number[]): Handle[];
  cpuEmbedding(ids: Handle, table: Handle[], settings: number[], dtype: number): Handle;
  cpuDecoderBlock(
    inputs: Handle[],
    attentionEps: number,
    mlpEps: number,
    gate: number,
    attention: number[],
    texts: readonly number[],
    layers: number[],
  ): Handle[];
  cpuRmsNorm(x: Handle, weight: Handle, eps: number): Handle;
  cpuRope(x: Handle, frequencies: Handle, offset: number, traditional: boolean): Handle;
  cpuExperts(x: Handle, weight: Handle[], settings: number[], indices: Handle): Handle;
  cpuQuantize(w: Handle, groupSize: number, bits: number): Handle[];
  cpuResidualRmsNorm(x: Handle, delta: Handle | undefined, weight: Handle, eps: number): [Handle, Handle];
  cpuGated(gate: Handle, up: Handle, kind: number): Handle;
  cpuAdd(a: Handle, b: Handle): Handle;
  cpuAdam(parameters: Handle[], gradients: Handle[], m: Handle[], v: Handle[], step: number[]): Handle[];
  cpuSample(
    logits: Handle,
    bias: Optional,
    bits: Optional,
    temperature: number,
    topP: number,
    minP: number,
    topK: number,
  ): Handle[];
  // Transforms
  eval(handles: Handle[]): void;
  asyncEval(handles: Handle[]): Promise<void>;
  valueAndGrad(body: Traced, inputs: Handle[], differentiated: number): [Handle[], Handle[]];
  vjp(body: Traced, primals: Handle[], cotangents: Handle[]): [Handle[], Handle[]];
  checkpoint(body: Traced, inputs: Handle[]): Handle[];
  customVjp(body: Traced, gradient: Traced, inputs: Handle[]): Handle[];
  compile(body: Traced, shapeless: boolean): (inputs: Handle[]) => Handle[];
}

type Reduction = (a: Handle, axes: Shape | undefined, keepdims: boolean) => Handle;
export type Addon = Record<UnaryOp, (a: Handle) => Handle> &
  Record<BinaryOp, (a: Handle, b: Handle) => Handle> &
  Record<`${BinaryOp}Scalar`, (a: Handle, b: number) => Handle> &
  Record<ReductionOp, Reduction> &
  NamedOps;

/** Where `npm run setup` builds the addon, beside src/ and dist/ alike; `CYGNET_ADDON` names another build. */
export const addonPath =
  process.env.CYGNET_ADDON ?? fileURLToPath(new URL("../../.native/cygnet.node", import.meta.url));

function loadAddon(): Addon {
  if (!existsSync(addonPath)) throw new UserError("native/not-built", { path: addonPath });
  return createRequire(import.meta.url)(addonPath) as Addon;
}

export const native = loadAddon();
