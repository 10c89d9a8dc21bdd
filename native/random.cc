#include "convert.h"

namespace cygnet {

// Without a key the draw comes from this thread's default sequence, which `seed` starts.
void register_random(Exports& exports) {
  using Key = std::optional<mx::array>;
  exports.op("randomSeed", [](Context&, double seed) { mx::random::seed(static_cast<uint64_t>(seed)); });
  exports.op("randomKey", [](Context&, double seed) { return mx::random::key(static_cast<uint64_t>(seed)); });
  exports.op("randomNextKey", [](Context&) { return mx::random::KeySequence::default_().next(); });
  exports.op("randomSplit", [](Context&, const mx::array& key, int count) { return mx::random::split(key, count); });
  exports.op("randomBits", [](Context&, mx::Shape shape, int width, Key key) { return mx::random::bits(shape, width, key); });
  exports.op("randomUniform", [](Context&, double low, double high, mx::Shape shape, mx::Dtype dtype, Key key) {
    return mx::random::uniform(static_cast<float>(low), static_cast<float>(high), shape, dtype, key);
  });
  exports.op("randomNormal", [](Context&, mx::Shape shape, mx::Dtype dtype, float mean, float deviation, Key key) {
    return mx::random::normal(shape, dtype, mean, deviation, key);
  });
  exports.op("randomTruncatedNormal", [](Context&, double low, double high, mx::Shape shape, mx::Dtype dtype, Key key) {
    return mx::random::truncated_normal(mx::array(low, dtype), mx::array(high, dtype), shape, dtype, key);
  });
  exports.op("randomInteger", [](Context&, int low, int high, mx::Shape shape, mx::Dtype dtype, Key key) {
    return mx::random::randint(low, high, shape, dtype, key);
  });
  exports.op("randomBernoulli", [](Context&, double p, mx::Shape shape, Key key) {
    return mx::random::bernoulli(static_cast<float>(p), shape, key);
  });
  exports.op("randomCategorical", [](Context&, const mx::array& logits, int axis, Key key) {
    return mx::random::categorical(logits, axis, key);
  });
  exports.op("randomGumbel", [](Context&, mx::Shape shape, mx::Dtype dtype, Key key) {
    return mx::random::gumbel(shape, dtype, key);
  });
  exports.op("randomPermutation", [](Context&, int count, Key key) { return mx::random::permutation(count, key); });
}

}  // namespace cygnet
