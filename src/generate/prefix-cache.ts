import { PagedCache } from "../models/paged-cache.ts";

/** What is already computed of a text. */
export interface KnownPrefix {
  /** Full pages, in order. */
  pages: readonly number[];
  /** A page of which the first tokens are the next of the text: to be copied. */
  tail?: { page: number; count: number };
}

interface Node {
  /** The tokens of a page; fewer than a page in leaves only. */
  tokens: readonly number[];
  page: number;
  children: Node[];
  lastUsed: number;
}

/**
 * The pages of texts that were computed before, as a tree over their tokens, one page to a node. Texts share a beginning only under
 * the same key: what weights they were computed with. Zheng et al. 2024, arXiv:2312.07104, section 3.
 */
export class PrefixCache {
  readonly #cache: PagedCache;
  readonly #roots = new Map<string, Node[]>();
  readonly #maxPages: number;
  #clock = 0;

  constructor(cache: PagedCache, maxPages = Number.POSITIVE_INFINITY) {
    this.#cache = cache;
    this.#maxPages = maxPages;
  }

  /** The longest known beginning of a text, short of its last token: that one is computed to know what follows. */
  find(key: string, tokens: readonly number[]): KnownPrefix {
    const pages: number[] = [];
    let children = this.#roots.get(key) ?? [];
    for (let at = 0; ; ) {
      const [best, common] = closest(children, tokens, at);
      if (!best) return { pages };
      best.lastUsed = ++this.#clock;
      const count = Math.min(common, tokens.length - 1 - at);
      if (count < PagedCache.pageSize) return count > 0 ? { pages, tail: { page: best.page, count } } : { pages };
      pages.push(best.page);
      at += count;
      children = best.children;
    }
  }

  /** Keeps the pages of a text that are computed, each once. */
  add(key: string, tokens: readonly number[], pages: readonly number[]): void {
    this.#insert(key, tokens, pages);
    for (let over = this.pages - this.#maxPages; over > 0 && this.evict(); over--);
  }

  #insert(key: string, tokens: readonly number[], pages: readonly number[]): void {
    let children = this.#roots.get(key) ?? [];
    this.#roots.set(key, children);
    for (let at = 0; at < tokens.length; at += PagedCache.pageSize) {
      const part = tokens.slice(at, at + PagedCache.pageSize);
      const [best, common] = closest(children, tokens, at);
      let node = best && common === Math.min(part.length, best.tokens.length) ? best : undefined;
      if (!node) {
        node = { tokens: part, page: this.#kept(pages[at / PagedCache.pageSize]), children: [], lastUsed: 0 };
        children.push(node);
      } else if (node.tokens.length < part.length) {
        this.#cache.release(node.page);
        Object.assign(node, { tokens: part, page: this.#kept(pages[at / PagedCache.pageSize]) });
      }
      node.lastUsed = ++this.#clock;
      if (part.length < PagedCache.pageSize) return;
      children = node.children;
    }
  }

  /** Pages that only this tree has. */
  get evictablePages(): number {
    return [...this.#nodes()].filter(({ node: { page } }) => this.#cache.references(page) === 1).length;
  }

  get pages(): number {
    return [...this.#nodes()].length;
  }

  /**
   * Lets go of the page that was not used for the longest time among those that only this tree has, at an end of the tree if there
   * is one; false if there is none.
   */
  evict(): boolean {
    const free = [...this.#nodes()].filter(({ node }) => this.#cache.references(node.page) === 1);
    const ends = free.filter(({ node }) => node.children.length === 0);
    const [oldest] = (ends.length > 0 ? ends : free).sort((a, b) => a.node.lastUsed - b.node.lastUsed);
    if (!oldest) return false;
    oldest.among.splice(oldest.among.indexOf(oldest.node), 1);
    for (const { page } of within(oldest.node)) this.#cache.release(page);
    return true;
  }

  /** Forgets all texts of a key. */
  forget(key: string): void {
    for (const node of this.#roots.get(key) ?? []) for (const { page } of within(node)) this.#cache.release(page);
    this.#roots.delete(key);
  }

  *#nodes(): Generator<{ node: Node; among: Node[] }> {
    const lists = [...this.#roots.values()];
    for (let among = lists.pop(); among; among = lists.pop()) {
      for (const node of among) {
        yield { node, among };
        lists.push(node.children);
      }
    }
  }

  #kept(page: number | undefined): number {
    if (page === undefined) throw new Error("a computed text has pages for all of its tokens");
    this.#cache.share(page);
    return page;
  }
}

function* within(node: Node): Generator<Node> {
  yield node;
  for (const child of node.children) yield* within(child);
}

/** The node that shares the longest beginning with tokens [at, …), and how long that is. */
function closest(nodes: readonly Node[], tokens: readonly number[], at: number): [Node | undefined, number] {
  let best: Node | undefined;
  let longest = 0;
  for (const node of nodes) {
    let common = 0;
    const most = Math.min(node.tokens.length, tokens.length - at);
    while (common < most && node.tokens[common] === tokens[at + common]) common++;
    if (common > longest) [best, longest] = [node, common];
  }
  return [best, longest];
}
