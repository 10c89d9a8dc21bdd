#ifdef CYGNET_OPENBLAS

#include "decoder_block.h"

#include "rows.h"

// B batch · L tokens · M = B · L rows · D hidden · H query heads · K key/value heads · E head size · I width of the MLP

namespace cygnet::cpu {
namespace {

struct Sizes {
  int B, L, D, I, E, queries, keys;  // H · E, K · E

  int rows() const { return B * L; }
};

Sizes sizes_of(const Arrays& inputs, const BlockSettings& s) {
  const mx::array& x = inputs[0];
  const int E = inputs[s.attention.cache()].shape(3);
  return {x.shape(0), x.shape(1), x.shape(2), inputs[s.layers[kGate].first].shape(0), E, s.attention.heads * E, s.attention.kv_heads * E};
}

// Rows of a block's intermediate values, in one piece of memory.
struct Rows {
  Rows(const Sizes& n, Type type) : size(n), bytes(size_of(type)) {}

  size_t total() const { return at(size.D * 3 + size.queries * 2 + size.keys * 2 + size.I * 2); }
  void lie_at(uint8_t* memory) {
    void** const places[] = {&normed, &h, &delta, &q, &attended, &k, &v, &gate, &up};
    const int widths[] = {size.D, size.D, size.D, size.queries, size.queries, size.keys, size.keys, size.I, size.I};
    for (int i = 0; i < 9; i++) {
      *places[i] = memory;
      memory += at(widths[i]);
    }
  }

  Sizes size;
  int bytes;
  void *normed, *h, *delta, *q, *attended, *k, *v, *gate, *up;

 private:
  size_t at(int width) const { return size_t(size.rows()) * width * bytes; }
};

HeadView heads_at(void* data, int L, int width, int E, int bytes) {
  return {static_cast<uint8_t*>(data), int64_t(L) * width * bytes, int64_t(E) * bytes, int64_t(width) * bytes};
}

class DecoderBlock : public Kernel {
 public:
  DecoderBlock(mx::Stream stream, BlockSettings settings) : Kernel(stream), settings_(std::move(settings)) {}
  DEFINE_NAME(DecoderBlock)

  void eval_cpu(const Arrays& given, Arrays& outputs) override {
    const AttentionSettings& attention = settings_.attention;
    for (int i = 0; i < 2; i++) take_over(given, attention.cache() + i, outputs, 1 + i);
    outputs[0].set_data(mx::allocator::malloc(outputs[0].nbytes()));
    Arrays inputs;
    for (int i = 0; i < static_cast<int>(given.size()); i++) {
      const bool as_it_is = i == attention.cache() || i == attention.cache() + 1 || (attention.has_mask && i == attention.mask());
      inputs.push_back(as_it_is || given[i].flags().row_contiguous ? given[i] : copied(given[i]));
    }
    Work work(inputs, settings_);
    work.out = outputs[0].data<void>();
    work.attention.keys = cache_view(outputs[1]);
    work.attention.values = cache_view(outputs[2]);
    work.lie_at(temporary(work.rows.total()), temporary(attend_bytes(work.attention)));
    dispatch([work = std::move(work)]() mutable { work.run(); });
  }

 private:
  struct Work {
    Work(const Arrays& inputs, const BlockSettings& s)
        : settings(s), inputs(small_ones(inputs, s)), x(inputs[0].data<void>()), type(type_of(inputs[0])), size(sizes_of(inputs, s)),
          rows(size, type), attention(attention_job(s.attention, inputs, type, size.B, size.L, size.L, size.E)) {
      for (const Projection& p : s.layers) layers.push_back(linear_job(inputs, p));
    }

    // Biases and norms are read when the work runs; holding more would keep others from writing in place.
    static Arrays small_ones(const Arrays& inputs, const BlockSettings& s) {
      Arrays out{inputs[1], inputs[2]};
      for (const Projection& p : s.layers)
        if (p.has_bias) out.push_back(inputs[p.bias()]);
      return out;
    }

    void lie_at(uint8_t* memory, uint8_t* attention_panels) {
      rows.lie_at(memory);
      panels = attention_panels;
      const int bytes = rows.bytes;
      attention.q = heads_at(rows.q, size.L, size.queries, size.E, bytes);
      attention.out = heads_at(rows.attended, size.L, size.queries, size.E, bytes);
      attention.k = heads_at(rows.k, size.L, size.keys, size.E, bytes);
      attention.v = heads_at(rows.v, size.L, size.keys, size.E, bytes);
      void* const outputs[] = {rows.q, rows.k, rows.v, rows.delta, rows.gate, rows.up, rows.delta};
      for (int i = 0; i < kLayers; i++) layers[i].y = outputs[i];
    }

    void run() {
      Scratch& scratch = Scratch::mine();
      Scratch::Frame frame(scratch);
      const int M = size.rows();
      int bias = 2;
      for (int i = 0; i < kLayers; i++) {
        if (settings.layers[i].has_bias) layers[i].bias = floats(inputs[bias++], scratch);
        if (layers[i].update.rank > 0) layers[i].xa = scratch.get<float>(size_t(M) * layers[i].update.rank);
      }
      const std::span<LinearJob> jobs(layers);
      norm_rows(type, x, nullptr, floats(inputs[0], scratch), settings.attention_eps, M, size.D, nullptr, rows.normed);
      linear_forward(type, rows.normed, M, size.D, jobs.subspan(kQ, 3));
      attend(attention, panels);
      linear_forward(type, rows.attended, M, size.queries, jobs.subspan(kO, 1));
      norm_rows(type, x, rows.delta, floats(inputs[1], scratch), settings.mlp_eps, M, size.D, rows.h, rows.normed);
      linear_forward(type, rows.normed, M, size.D, jobs.subspan(kGate, 2));
      gate_elements(type, settings.gate, rows.gate, rows.up, size_t(M) * size.I, rows.gate);
      linear_forward(type, rows.gate, M, size.I, jobs.subspan(kDown, 1));
      add_elements(type, rows.h, rows.delta, size_t(M) * size.D, out);
    }

    BlockSettings settings;
    Arrays inputs;  // the norms' weights, then biases
    const void* x;
    Type type;
    Sizes size;
    Rows rows;
    AttentionJob attention;
    uint8_t* panels = nullptr;
    std::vector<LinearJob> layers;
    void* out = nullptr;
  };

  BlockSettings settings_;
};

void check(const Arrays& inputs, const BlockSettings& s) {
  auto refuse = [](bool wrong, const char* what) {
    if (wrong) throw std::invalid_argument(std::string("a decoder block needs ") + what);
  };
  const mx::array& x = inputs[0];
  refuse(x.ndim() != 3 || x.size() == 0, "x [B, L, D]");
  refuse(!s.attention.has_cache || s.attention.kv_heads <= 0 || s.attention.heads % s.attention.kv_heads != 0, "heads and a cache");
  refuse(inputs[s.attention.cache()].ndim() != 4, "a cache");
  const Sizes n = sizes_of(inputs, s);
  refuse(n.E > kMaxHeadSize, "heads of at most 1024 elements");
  check_cache(inputs, s.attention, {n.B, s.attention.kv_heads, n.L, n.E}, x.dtype());
  const int in[] = {n.D, n.D, n.D, n.queries, n.D, n.D, n.I}, out[] = {n.queries, n.keys, n.keys, n.D, n.I, n.I, n.D};
  for (int i = 0; i < kLayers; i++) {
    check_projection(s.layers[i], n.rows(), in[i], inputs);
    refuse(inputs[s.layers[i].first].shape(0) != out[i], "layers that fit each other");
  }
  for (int i : {1, 2}) refuse(inputs[i].shape() != mx::Shape{n.D}, "weights of norms [D]");
}

}  // namespace

Arrays decoder_block(Arrays inputs, BlockSettings s) {
  int first = s.attention.end();
  for (Projection& p : s.layers) p.first = first, first = p.end();
  if (first != static_cast<int>(inputs.size())) throw std::invalid_argument("a decoder block misses operands");
  check(inputs, s);
  const mx::array &x = inputs[0], &keys = inputs[s.attention.cache()];
  return run_kernel<DecoderBlock>({x.shape(), keys.shape(), keys.shape()}, {x.dtype(), x.dtype(), x.dtype()}, std::move(inputs), std::move(s));
}

}  // namespace cygnet::cpu

#endif
