/** Values of several generators as they come, each with the number of its generator, and what it returns in the end. */
export async function* merge<T, R>(
  generators: readonly AsyncGenerator<T, R>[],
): AsyncGenerator<{ index: number; value: T } | { index: number; end: R }, void> {
  const next = async (index: number, generator: AsyncGenerator<T, R>) => ({
    index,
    generator,
    step: await generator.next(),
  });
  const pending = new Map(generators.map((generator, index) => [index, next(index, generator)]));
  while (pending.size > 0) {
    const { index, generator, step } = await Promise.race(pending.values());
    if (step.done) {
      pending.delete(index);
      yield { index, end: step.value };
    } else {
      pending.set(index, next(index, generator));
      yield { index, value: step.value };
    }
  }
}
