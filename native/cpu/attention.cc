#ifdef CYGNET_OPENBLAS

#include <cmath>
#include <cstring>
#include <limits>

#include "blas.h"
#include "kernel.h"
#include "kernels.h"
#include "parallel.h"
#include "rows.h"
#include "vector.h"

// Attention by blocks of queries: a block's scores are the only ones in memory, and the gradient computes them again from
// the logarithm of each row's sum. After Dao et al. 2022, arXiv:2205.14135; threads take (batch, head, block) in turn.

// B batch · H query heads · K key/value heads · L queries · S keys · E head size

namespace cygnet::cpu {
namespace {

constexpr int kBlock = 64;

struct Sizes {
  int B, H, K, L, S, E;
  float scale;
  bool causal;

  Sizes(const mx::array& q, const mx::array& k, float scale, bool causal)
      : B(q.shape(0)), H(q.shape(1)), K(k.shape(1)), L(q.shape(2)), S(k.shape(2)), E(q.shape(3)), scale(scale), causal(causal) {}

  int blocks() const { return (L + kBlock - 1) / kBlock; }
  int rows_in(int block) const { return std::min(kBlock, L - block * kBlock); }
  // Keys that query `i` sees.
  int visible(int i) const { return causal ? std::min(S, S - L + i + 1) : S; }
  int64_t work() const { return int64_t(B) * H * L * S * E; }
};

// Below this many multiplications a thread costs more than it saves.
constexpr int64_t kSmallestWork = 1 << 20;

template <typename Body>
void for_items(int count, int64_t work, Body&& body) {
  if (work < kSmallestWork) {
    for (int i = 0; i < count; i++) body(i);
    return;
  }
  parallel_items(count, body);
}

void attend(const Sizes& s, Rows q, Rows k, Rows v, float* out, float* lse) {
  for_items(s.B * s.H * s.blocks(), s.work(), [&](int item) {
    const int block = s.blocks() - 1 - item % s.blocks();  // long rows first
    const int h = item / s.blocks() % s.H, b = item / s.blocks() / s.H, kv = h / (s.H / s.K);
    const int first = block * kBlock, count = s.rows_in(block), keys = s.visible(first + count - 1);
    std::vector<float> scores(size_t(count) * keys);
    gemm(kPlain, kTransposed, count, keys, s.E, s.scale, q.at(b, h, first), q.row, k.at(b, kv, 0), k.row, 0, scores.data(), keys);
    const size_t place = (size_t(b) * s.H + h) * s.L + first;
    for (int i = 0; i < count; i++) {
      float* row = scores.data() + size_t(i) * keys;
      const int visible = s.visible(first + i);
      const float shift = greatest(row, visible);
      const float sum = exponentials(row, visible, shift);
      scale(row, visible, std::isnan(shift) ? shift : 1.0f / sum);
      std::fill(row + visible, row + keys, 0.0f);
      lse[place + i] = shift + std::log(sum);
    }
    gemm(kPlain, kPlain, count, s.E, keys, 1, scores.data(), keys, v.at(b, kv, 0), v.row, 0, out + place * s.E, s.E);
  });
}

VECTORIZED void probabilities(float* scores, int n, float lse) {
  for (int i = 0; i < n; i++) scores[i] = exp_of(scores[i] - lse);
}

VECTORIZED void score_gradient(float* d, const float* p, int n, float mean, float scale) {
  for (int i = 0; i < n; i++) d[i] = p[i] * (d[i] - mean) * scale;
}

void attend_gradient(
    const Sizes& s, Rows q, Rows k, Rows v, const float* out, const float* lse, Rows d_out, float* dq, float* dk, float* dv) {
  const int group = s.H / s.K;
  for_items(s.B * s.K, s.work(), [&](int item) {
    const int kv = item % s.K, b = item / s.K;
    float* dk_head = dk + size_t(item) * s.S * s.E;
    float* dv_head = dv + size_t(item) * s.S * s.E;
    std::fill(dk_head, dk_head + size_t(s.S) * s.E, 0.0f);
    std::fill(dv_head, dv_head + size_t(s.S) * s.E, 0.0f);
    std::vector<float> p(size_t(kBlock) * s.S), d(size_t(kBlock) * s.S);
    for (int h = kv * group; h < (kv + 1) * group; h++) {
      for (int block = 0; block < s.blocks(); block++) {
        const int first = block * kBlock, count = s.rows_in(block), keys = s.visible(first + count - 1);
        const size_t place = (size_t(b) * s.H + h) * s.L + first;
        const float* q_block = q.at(b, h, first);
        const float* d_block = d_out.at(b, h, first);
        gemm(kPlain, kTransposed, count, keys, s.E, s.scale, q_block, q.row, k.at(b, kv, 0), k.row, 0, p.data(), keys);
        gemm(kPlain, kTransposed, count, keys, s.E, 1, d_block, d_out.row, v.at(b, kv, 0), v.row, 0, d.data(), keys);
        for (int i = 0; i < count; i++) {
          float* p_row = p.data() + size_t(i) * keys;
          float* d_row = d.data() + size_t(i) * keys;
          const int visible = s.visible(first + i);
          const float mean = dot(out + (place + i) * s.E, d_out.at(b, h, first + i), s.E);
          probabilities(p_row, visible, lse[place + i]);
          score_gradient(d_row, p_row, visible, mean, s.scale);
          std::fill(p_row + visible, p_row + keys, 0.0f);
          std::fill(d_row + visible, d_row + keys, 0.0f);
        }
        gemm(kTransposed, kPlain, keys, s.E, count, 1, p.data(), keys, d_block, d_out.row, 1, dv_head, s.E);
        gemm(kTransposed, kPlain, keys, s.E, count, 1, d.data(), keys, q_block, q.row, 1, dk_head, s.E);
        gemm(kPlain, kPlain, count, s.E, keys, 1, d.data(), keys, k.at(b, kv, 0), k.row, 0, dq + place * s.E, s.E);
      }
    }
  });
}

class AttentionGradient : public Kernel {
 public:
  AttentionGradient(mx::Stream stream, float scale, bool causal) : Kernel(stream), scale_(scale), causal_(causal) {}
  DEFINE_NAME(AttentionGradient)

  // inputs: q, k, v, out, lse, d_out
  void eval_cpu(const Arrays& inputs, Arrays& outputs) override {
    allocate(outputs);
    dispatch([s = Sizes(inputs[0], inputs[1], scale_, causal_), q = Readable(inputs[0]), k = Readable(inputs[1]),
              v = Readable(inputs[2]), out = inputs[3].data<float>(), lse = inputs[4].data<float>(), d = Readable(inputs[5]),
              dq = outputs[0].data<float>(), dk = outputs[1].data<float>(), dv = outputs[2].data<float>()] {
      attend_gradient(s, q.rows(), k.rows(), v.rows(), out, lse, d.rows(), dq, dk, dv);
    });
  }

 private:
  float scale_;
  bool causal_;
};

class Attention : public Kernel {
 public:
  Attention(mx::Stream stream, float scale, bool causal) : Kernel(stream), scale_(scale), causal_(causal) {}
  DEFINE_NAME(Attention)

  void eval_cpu(const Arrays& inputs, Arrays& outputs) override {
    allocate(outputs);
    dispatch([s = Sizes(inputs[0], inputs[1], scale_, causal_), q = Readable(inputs[0]), k = Readable(inputs[1]),
              v = Readable(inputs[2]), out = outputs[0].data<float>(), lse = outputs[1].data<float>()] {
      attend(s, q.rows(), k.rows(), v.rows(), out, lse);
    });
  }

  Arrays vjp(
      const Arrays& primals, const Arrays& cotangents, const std::vector<int>& argnums, const Arrays& outputs) override {
    const Arrays gradients = run_kernel<AttentionGradient>(
        {primals[0].shape(), primals[1].shape(), primals[2].shape()},
        {primals[0], primals[1], primals[2], outputs[0], outputs[1], cotangents[0]}, scale_, causal_);
    Arrays out;
    for (int argnum : argnums) out.push_back(gradients[argnum]);
    return out;
  }

 private:
  float scale_;
  bool causal_;
};

}  // namespace

mx::array attention(const mx::array& q, const mx::array& k, const mx::array& v, float scale, bool causal) {
  const bool fits = q.ndim() == 4 && k.ndim() == 4 && k.shape() == v.shape() && q.shape(0) == k.shape(0) &&
      q.shape(3) == k.shape(3) && q.shape(1) % k.shape(1) == 0 && (!causal || q.shape(2) <= k.shape(2));
  if (!fits) throw std::invalid_argument("attention needs q [B, H, L, E] and k, v [B, K, S, E] with H a multiple of K");
  return run_kernel<Attention>({q.shape(), {q.shape(0), q.shape(1), q.shape(2)}}, {q, k, v}, scale, causal)[0];
}

}  // namespace cygnet::cpu

#endif
