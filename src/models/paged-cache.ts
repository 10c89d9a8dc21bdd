import type { Text, Texts } from "../core/attention.ts";
import type { KeyValueStore } from "../core/head-attention.ts";
import { concatenate, sliceUpdate, zeros } from "../core/ops.ts";
import { dispose, keep, scope } from "../core/scope.ts";
import type { Tensor } from "../core/tensor.ts";
import { evaluate } from "../core/transforms.ts";

// P pages · K key/value heads · T tokens of a page · L new tokens · S tokens so far · E head size

/**
 * The keys and values of many texts for all layers of a model, in pages of `pageSize` tokens that any text may take: texts come
 * and go without copies, and several may share the pages of a common beginning. Kwon et al. 2023, arXiv:2309.06180.
 */
export class PagedCache {
  static readonly pageSize = 128;
  readonly layers: readonly KeyValueStore[];
  readonly #layers: PagedLayer[];
  readonly #references: number[] = []; // for each page that was ever taken
  readonly #free: number[] = [];

  constructor(
    layers: number,
    /** Pages that there are at most; memory is taken as they are needed. */
    readonly maxPages: number,
  ) {
    this.#layers = Array.from({ length: layers }, () => new PagedLayer());
    this.layers = this.#layers;
  }

  /** Pages that `take` can still give. */
  get freePages(): number {
    return this.maxPages - this.#references.length + this.#free.length;
  }

  /** Pages for so many tokens. */
  static pagesFor(tokens: number): number {
    return Math.ceil(tokens / PagedCache.pageSize);
  }

  /** A page that nobody has; the caller has it now. */
  take(): number {
    const page = this.#free.pop() ?? this.#references.length;
    if (page >= this.maxPages) throw new Error("no page is free: ask freePages first");
    this.#references[page] = 1;
    return page;
  }

  /** One more has the page. */
  share(page: number): void {
    this.#references[page] = this.references(page) + 1;
  }

  /** One less has the page. */
  release(page: number): void {
    const left = this.references(page) - 1;
    this.#references[page] = left;
    if (left === 0) this.#free.push(page);
  }

  references(page: number): number {
    return this.#references[page] ?? 0;
  }

  /** The texts whose tokens the next pass through the model computes, in this order; call it before each pass. */
  begin(texts: readonly Text[]): void {
    const next = { pageSize: PagedCache.pageSize, all: texts };
    for (const layer of this.#layers) layer.begin(next, this.#references.length);
  }

  /** What one page holds, into another. The copy is made first: a view of the buffers would have them copied to be written. */
  copyPage(from: number, to: number): void {
    const copies = this.#layers.map((layer) => scope(() => layer.page(from)));
    evaluate(copies);
    for (const [i, layer] of this.#layers.entries()) {
      scope(() => layer.writePage(to, copies[i] ?? [], this.#references.length));
    }
    dispose(copies);
  }

  /** Its tensors, to evaluate with the step that wrote them. */
  get state(): readonly Tensor[] {
    return this.#layers.flatMap(({ state }) => state);
  }

  get nbytes(): number {
    return this.state.reduce((sum, { nbytes }) => sum + nbytes, 0);
  }

  dispose(): void {
    for (const layer of this.#layers) layer.dispose();
  }
}

class PagedLayer implements KeyValueStore {
  readonly offset = 0;
  readonly inPlace = true;
  texts: Texts | undefined;
  #pages = 0;
  #buffers: readonly [keys: Tensor, values: Tensor] | undefined; // [P, K, T, E] each

  get state(): readonly Tensor[] {
    return this.#buffers ?? [];
  }

  begin(texts: Texts, pages: number): void {
    this.texts = texts;
    this.#pages = pages;
  }

  append(): [Tensor, Tensor] {
    throw new Error("each text of a paged cache has its own store");
  }

  reserve(like: Pick<Tensor, "shape" | "dtype">): readonly Tensor[] {
    return this.#withRoom(like);
  }

  replace(keys: Tensor, values: Tensor): void {
    keep([keys, values]);
    this.dispose();
    this.#buffers = [keys, values];
  }

  appendTexts(parts: readonly (readonly [k: Tensor, v: Tensor])[]): [keys: Tensor, values: Tensor][] {
    const all = this.texts?.all ?? [];
    for (const [i, [k, v]] of parts.entries()) {
      const [keys, values] = this.#withRoom(k);
      const text = all[i];
      if (text) this.replace(written(keys, k, text), written(values, v, text));
    }
    return parts.flatMap(([k], i): [Tensor, Tensor][] => {
      const [keys, values] = this.#withRoom(k);
      const text = all[i];
      return text ? [[read(keys, text), read(values, text)]] : [];
    });
  }

  /** What a page holds, apart from the buffers: [1, K, T, E] each. */
  page(index: number): readonly Tensor[] {
    return this.state.map((buffer) => buffer.slice(0, index, index + 1).add(0));
  }

  writePage(index: number, [keys, values]: readonly Tensor[], pages: number): void {
    if (!keys || !values) return;
    this.#pages = pages;
    const [heldKeys, heldValues] = this.#withRoom(keys);
    this.replace(sliceUpdate(heldKeys, keys, [index, 0, 0, 0]), sliceUpdate(heldValues, values, [index, 0, 0, 0]));
  }

  dispose(): void {
    for (const buffer of this.#buffers ?? []) buffer.dispose();
    this.#buffers = undefined;
  }

  /** The buffers, grown to the pages that were taken: at least by half, so that growing stays rare. like: [B, K, L, E] */
  #withRoom({ shape, dtype }: Pick<Tensor, "shape" | "dtype">): readonly [keys: Tensor, values: Tensor] {
    const there = this.#buffers?.[0].dim(0) ?? 0;
    if (this.#buffers && there >= this.#pages) return this.#buffers;
    const [, heads = 0, , size = 0] = shape;
    const more = Math.max(this.#pages - there, Math.ceil(there / 2));
    const room = () => zeros([more, heads, PagedCache.pageSize, size], dtype);
    const [keys, values] = this.#buffers ?? [];
    this.replace(keys ? concatenate([keys, room()], 0) : room(), values ? concatenate([values, room()], 0) : room());
    return this.#withRoom({ shape, dtype });
  }
}

/** pages [P, K, T, E] with new tokens x [1, K, L, E] of a text */
function written(pages: Tensor, x: Tensor, { past, count, pages: places }: Text): Tensor {
  const size = PagedCache.pageSize;
  let out = pages;
  for (let at = 0; at < count; ) {
    const [page, token] = [places[Math.floor((past + at) / size)] ?? 0, (past + at) % size];
    const part = Math.min(size - token, count - at);
    out = sliceUpdate(out, x.slice(2, at, at + part), [page, 0, token, 0]);
    at += part;
  }
  return out;
}

/** The tokens of a text, the new ones too: [1, K, S, E] */
function read(pages: Tensor, { past, count, pages: places }: Text): Tensor {
  const length = past + count;
  const own = places.slice(0, PagedCache.pagesFor(length)).map((page) => pages.slice(0, page, page + 1));
  return concatenate(own, 2).slice(2, 0, length);
}
