#ifdef CYGNET_OPENBLAS

#include "attention.h"

#include <cstring>

#include "parallel.h"
#include "product.h"

// The primitives: arrays of any strides to jobs, and which of the ways to compute them.

namespace cygnet::cpu {
namespace {

bool is_readable(const mx::array& a) { return a.strides().back() == 1 || a.shape(-1) <= 1; }

// heads 0: an axis of heads, [B, heads, tokens, E]; otherwise [B, tokens, heads · E].
HeadView view_of(const mx::array& a, int heads) {
  const int64_t size = a.itemsize();
  uint8_t* data = const_cast<uint8_t*>(a.data<uint8_t>());
  const auto& strides = a.strides();
  if (heads == 0) return {data, strides[0] * size, strides[1] * size, strides[2] * size};
  return {data, strides[0] * size, a.shape(2) / heads * size, strides[1] * size};
}

MaskView mask_of(const mx::array& a) {
  MaskView mask{a.data<uint8_t>(), a.dtype() == mx::bool_};
  if (!mask.is_boolean) mask.type = type_of(a);
  int64_t* steps[] = {&mask.key, &mask.query, &mask.head, &mask.batch};
  for (int axis = 0; axis < 4 && axis < static_cast<int>(a.ndim()); axis++) {
    if (a.shape(-1 - axis) > 1) *steps[axis] = a.strides()[a.ndim() - 1 - axis];
  }
  return mask;
}

}  // namespace

AttentionJob attention_job(const AttentionSettings& s, const Arrays& inputs, Type type, int B, int L, int new_keys, int E) {
  AttentionJob job;
  job.settings = s;
  job.threads = threads();
  job.type = type;
  job.B = B, job.L = L, job.E = E;
  job.H = s.heads, job.K = s.kv_heads;
  job.S = s.texts ? 0 : job.past() + new_keys;
  job.q_steps.size = job.k_steps.size = E;
  job.q_steps.eps = job.k_steps.eps = s.eps;
  job.q_steps.traditional = job.k_steps.traditional = s.traditional;
  if (s.has_norms) {
    const mx::array &q_norm = inputs[s.norms()], &k_norm = inputs[s.norms() + 1];
    job.q_norm = {q_norm.data<void>(), type_of(q_norm)};
    job.k_norm = {k_norm.data<void>(), type_of(k_norm)};
  }
  if (s.has_frequencies) {
    job.frequencies = inputs[s.frequencies()].data<float>();
    job.q_steps.pairs = job.k_steps.pairs = inputs[s.frequencies()].shape(0);
  }
  if (s.has_mask) job.mask = mask_of(inputs[s.mask()]);
  return job;
}

HeadView cache_view(const mx::array& a) { return view_of(a, 0); }

void check_cache(const Arrays& inputs, const AttentionSettings& s, const mx::Shape& like, mx::Dtype dtype) {
  const mx::array &keys = inputs[s.cache()], &values = inputs[s.cache() + 1];
  const int B = like[0], K = like[1], L = like[2], E = like[3];
  bool fits = keys.ndim() == 4 && keys.shape() == values.shape() && keys.shape(1) == K && keys.shape(3) == E && keys.dtype() == dtype &&
      values.dtype() == dtype;
  if (!s.texts) {
    fits = fits && keys.shape(0) == B && keys.shape(2) >= s.offset + L;
    if (!fits) throw std::invalid_argument("attention needs a cache [B, K, capacity, E] with room for the new tokens");
    return;
  }
  fits = fits && B == 1 && keys.shape(2) == s.texts->page && !s.has_mask;
  int tokens = 0;
  for (const Text& text : s.texts->all) {
    tokens += text.count;
    fits = fits && text.count > 0 && text.past >= 0 && int64_t(text.pages.size()) * s.texts->page >= text.past + text.count;
    for (const int32_t page : text.pages) fits = fits && page >= 0 && page < keys.shape(0);
  }
  if (!fits || tokens != L) throw std::invalid_argument("attention needs pages [pages, K, page, E] with room for the new tokens of each text");
}

namespace {

AttentionJob job_of(const AttentionSettings& s, const Arrays& inputs) {
  const mx::array &q = inputs[0], &k = inputs[1];
  const int E = s.heads ? q.shape(2) / s.heads : q.shape(3);
  AttentionJob job = attention_job(s, inputs, type_of(q), q.shape(0), q.shape(s.heads ? 1 : 2), k.shape(s.heads ? 1 : 2), E);
  if (!s.heads) job.H = q.shape(1), job.K = k.shape(1);
  job.q = view_of(q, s.heads);
  job.k = view_of(k, s.kv_heads);
  job.v = view_of(inputs[2], s.kv_heads);
  return job;
}

class AttentionKernel : public Kernel {
 public:
  AttentionKernel(mx::Stream stream, AttentionSettings settings) : Kernel(stream), settings_(settings) {}

 protected:
  // Heads' vectors in one piece, other operands as they are or row by row.
  Arrays readable(const Arrays& inputs, int end) {
    Arrays out;
    for (int i = 0; i < static_cast<int>(inputs.size()); i++) {
      const bool is_small = i >= settings_.norms() && i < settings_.cache() && !(settings_.has_mask && i == settings_.mask());
      const bool fits = i < 3 || i >= end ? is_readable(inputs[i]) : !is_small || inputs[i].flags().row_contiguous;
      out.push_back(fits ? inputs[i] : copied(inputs[i]));
    }
    return out;
  }

  AttentionSettings settings_;
};

class AttentionGradient : public AttentionKernel {
 public:
  using AttentionKernel::AttentionKernel;
  DEFINE_NAME(AttentionGradient)

  // inputs: those of Attention, its outputs, d_out   outputs: dq, dk, dv, and of the norms in float32
  void eval_cpu(const Arrays& given, Arrays& outputs) override {
    allocate(outputs);
    const int end = settings_.end();
    const Arrays inputs = readable(given, end);
    AttentionJob job = job_of(settings_, inputs);
    job.out = view_of(inputs[end], settings_.heads);
    job.lse = const_cast<float*>(inputs[end + 1].data<float>());
    AttentionGradients gradients{view_of(inputs[end + 2], settings_.heads), view_of(outputs[0], settings_.heads),
                                 view_of(outputs[1], settings_.kv_heads), view_of(outputs[2], settings_.kv_heads)};
    if (outputs.size() > 3) {
      gradients.dq_norm = outputs[3].data<float>();
      gradients.dk_norm = outputs[4].data<float>();
    }
    dispatch([job, gradients, partial = temporary(attend_gradient_bytes(job))]() mutable {
      Scratch::Frame frame(Scratch::mine());
      job.prepare_norms(Scratch::mine());
      job.prepare(Scratch::mine());
      attend_gradient(job, gradients, partial);
    });
  }
};

class Attention : public AttentionKernel {
 public:
  using AttentionKernel::AttentionKernel;
  DEFINE_NAME(Attention)

  // outputs: out, then the log-sum-exp of each query, or the cache
  void eval_cpu(const Arrays& given, Arrays& outputs) override {
    const AttentionSettings& s = settings_;
    outputs[0].set_data(mx::allocator::malloc(outputs[0].nbytes()));
    if (s.has_cache) {
      // First: further references would make the buffers look like somebody else's too.
      for (int i = 0; i < 2; i++) take_over(given, s.cache() + i, outputs, 1 + i);
    }
    const Arrays inputs = readable(given, s.end());
    AttentionJob job = job_of(s, inputs);
    job.out = view_of(outputs[0], s.heads);
    if (s.has_cache) {
      job.keys = view_of(outputs[1], 0);
      job.values = view_of(outputs[2], 0);
    } else {
      outputs[1].set_data(mx::allocator::malloc(outputs[1].nbytes()));
      job.lse = outputs[1].data<float>();
    }
    dispatch([job, panels = temporary(attend_bytes(job))] { attend(job, panels); });
  }

  Arrays vjp(const Arrays& primals, const Arrays& cotangents, const std::vector<int>& argnums, const Arrays& outputs) override {
    const AttentionSettings& s = settings_;
    if (s.has_cache) throw std::invalid_argument("attention over a cache has no gradient");
    std::vector<mx::Shape> shapes;
    std::vector<mx::Dtype> dtypes;
    for (int i = 0; i < 3; i++) shapes.push_back(primals[i].shape()), dtypes.push_back(primals[i].dtype());
    const bool norms = std::any_of(argnums.begin(), argnums.end(), [](int argnum) { return argnum >= 3; });
    for (int i = 0; norms && s.has_norms && i < 2; i++) shapes.push_back(primals[3 + i].shape()), dtypes.push_back(mx::float32);
    Arrays inputs = primals;
    inputs.insert(inputs.end(), {outputs[0], outputs[1], cotangents[0]});
    const Arrays gradients = run_kernel<AttentionGradient>(std::move(shapes), std::move(dtypes), std::move(inputs), s);
    Arrays out;
    for (int argnum : argnums) {
      if (argnum >= 3 && !(s.has_norms && argnum < 5)) throw std::invalid_argument("attention differentiates q, k, v and norms");
      out.push_back(mx::astype(gradients[argnum], primals[argnum].dtype()));
    }
    return out;
  }
};

void check(const Arrays& inputs, const AttentionSettings& s) {
  if (static_cast<int>(inputs.size()) != s.end()) throw std::invalid_argument("attention misses operands");
  const mx::array &q = inputs[0], &k = inputs[1], &v = inputs[2];
  const auto ndim = static_cast<size_t>(s.heads ? 3 : 4);
  auto refuse = [](bool wrong, const char* what) {
    if (wrong) throw std::invalid_argument(std::string("attention needs ") + what);
  };
  refuse(q.ndim() != ndim || k.ndim() != ndim || k.shape() != v.shape() || q.shape(0) != k.shape(0),
         s.heads ? "q [B, L, H · E] and k, v [B, L, K · E]" : "q [B, H, L, E] and k, v [B, K, S, E]");
  refuse(q.dtype() != k.dtype() || q.dtype() != v.dtype() || !is_floating(q.dtype()), "q, k, v of one floating-point dtype");
  const int H = s.heads ? s.heads : q.shape(1), K = s.heads ? s.kv_heads : k.shape(1);
  refuse(K <= 0 || H % K != 0, "H a multiple of K");
  const int E = s.heads ? q.shape(2) / H : q.shape(3), L = q.shape(s.heads ? 1 : 2), S = k.shape(s.heads ? 1 : 2);
  refuse(E <= 0 || E > kMaxHeadSize, "heads of 1 to 1024 elements");
  refuse(s.heads ? q.shape(2) != H * E || k.shape(2) != K * E : k.shape(3) != E, "heads of one size");
  refuse((s.causal || s.window > 0) && S < L, "as many keys as queries");
  refuse((s.has_frequencies || s.has_cache) && S != L, "as many keys as queries");
  if (s.has_norms) refuse(inputs[3].shape() != mx::Shape{E} || inputs[4].shape() != mx::Shape{E}, "weights of norms [E]");
  if (s.has_frequencies) {
    const mx::array& f = inputs[s.frequencies()];
    refuse(f.ndim() != 1 || f.dtype() != mx::float32 || 2 * f.shape(0) > E, "at most E / 2 frequencies in float32");
  }
  if (s.has_mask) {
    const mx::array& mask = inputs[s.mask()];
    const int sizes[] = {S + (s.has_cache ? s.offset : 0), L, H, q.shape(0)};
    bool fits = mask.ndim() <= 4 && (mask.dtype() == mx::bool_ || is_floating(mask.dtype()));
    for (int axis = 0; fits && axis < static_cast<int>(mask.ndim()); axis++) {
      fits = mask.shape(-1 - axis) == sizes[axis] || mask.shape(-1 - axis) == 1;
    }
    refuse(!fits, "a boolean or floating-point mask of [B, H, L, S]");
  }
  refuse(s.texts && !s.has_cache, "a cache for several texts");
  if (s.has_cache) check_cache(inputs, s, {q.shape(0), K, L, E}, q.dtype());
}

}  // namespace

Arrays attention(Arrays inputs, const AttentionSettings& s) {
  check(inputs, s);
  const mx::array& q = inputs[0];
  std::vector<mx::Shape> shapes{q.shape()};
  std::vector<mx::Dtype> dtypes{q.dtype()};
  if (s.has_cache) {
    for (int i = 0; i < 2; i++) shapes.push_back(inputs[s.cache() + i].shape()), dtypes.push_back(q.dtype());
  } else {
    shapes.push_back({q.shape(0), s.heads ? s.heads : q.shape(1), q.shape(s.heads ? 1 : 2)});
    dtypes.push_back(mx::float32);
  }
  Arrays outputs = run_kernel<Attention>(std::move(shapes), std::move(dtypes), std::move(inputs), s);
  if (!s.has_cache) outputs.pop_back();
  return outputs;
}

}  // namespace cygnet::cpu

#endif
