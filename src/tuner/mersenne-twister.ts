/**
 * MT19937 and the shuffle of NumPy's legacy generator, so that `compat: mlx-lm` draws the batch order that mlx-lm draws.
 * Matsumoto & Nishimura 1998, doi:10.1145/272991.272995.
 */
export class MersenneTwister {
  readonly #state = new Uint32Array(624);
  #next = 624;

  constructor(seed: number) {
    this.#state[0] = seed;
    for (let i = 1; i < 624; i++) {
      const previous = this.#word(i - 1);
      this.#state[i] = Math.imul(1812433253, previous ^ (previous >>> 30)) + i;
    }
  }

  /** A uniform 32-bit integer. */
  uint32(): number {
    if (this.#next >= 624) this.#twist();
    let y = this.#word(this.#next++);
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    y ^= y >>> 18;
    return y >>> 0;
  }

  /** A uniform integer in [0, max]: masked draws, those above max rejected. */
  integer(max: number): number {
    const mask = max === 0 ? 0 : 0xffffffff >>> Math.clz32(max);
    if (mask === 0) return 0;
    let value = this.uint32() & mask;
    while (value >>> 0 > max) value = this.uint32() & mask;
    return value >>> 0;
  }

  /** 0 … n − 1 in random order, as `numpy.random.permutation(n)`. */
  permutation(n: number): number[] {
    return this.shuffle(Array.from({ length: n }, (_, i) => i));
  }

  /** Shuffles in place. */
  shuffle<T>(items: T[]): T[] {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.integer(i);
      const [a, b] = [items[i], items[j]];
      if (a !== undefined && b !== undefined) {
        items[i] = b;
        items[j] = a;
      }
    }
    return items;
  }

  #word(index: number): number {
    return this.#state[index] ?? 0;
  }

  #twist(): void {
    for (let i = 0; i < 624; i++) {
      const y = (this.#word(i) & 0x80000000) | (this.#word((i + 1) % 624) & 0x7fffffff);
      this.#state[i] = this.#word((i + 397) % 624) ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.#next = 0;
  }
}
