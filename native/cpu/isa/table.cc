// Compiled once for each instruction set; CYGNET_ISA names it.

#include "adam.h"
#include "dot.h"
#include "few.h"
#include "heads.h"
#include "isa.h"
#include "micro.h"
#include "panels.h"
#include "rows.h"
#include "scores.h"
#include "sample.h"

namespace cygnet::cpu {
namespace CYGNET_ISA {

template <typename P, int Rows, int Cols>
constexpr Panels panels(decltype(Micro::multiply) multiply, decltype(Micro::multiply_rows) multiply_rows = nullptr) {
  return {{Rows, Cols, multiply, multiply_rows}, sizeof(P), unpack<P>, pack_a<P, Rows>, pack_a_transposed<P, Rows>, pack_b<P, Cols>, pack_b_transposed<P, Cols>};
}

template <typename P, int Rows>
constexpr ScoreLoops scores = {softmax<P>, score_gradient<P, Rows>};

#define TEXT_OF(name) #name
#define NAME_OF(name) TEXT_OF(name)

extern const Isa table;
const Isa table = {
    NAME_OF(CYGNET_ISA),
#if defined(__AVX512F__)
    panels<float, 12, 32>(multiply_f32<12>),
#elif defined(__AVX2__)
    panels<float, 6, 16>(multiply_f32<6>),
#elif defined(__aarch64__)
    panels<float, 12, 8>(multiply_f32<12>),
#else
    panels<float, 6, 8>(multiply_f32<6>),
#endif
#if defined(__AMX_BF16__)
    panels<bf16, 32, 32>(multiply_amx, multiply_amx_rows),
#elif defined(__AVX512BF16__)
    panels<bf16, 12, 32>(multiply_bf16<12>),
#elif defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC)
    panels<bf16, 12, 8>(multiply_bfmmla<12>),
#else
    Panels{},
#endif
    dot_bytes,
    prepare_dot,
    dot,
    store_result,
    rms_norm,
    rms_norm_gradient,
    gated,
    gated_gradient,
    add,
    cross_entropy_row,
    {
#if defined(__AVX512F__) || defined(__aarch64__)
        scores<float, 12>,
#else
        scores<float, 6>,
#endif
#if defined(__AMX_BF16__)
        scores<bf16, 32>,
#elif defined(__AVX512BF16__) || defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC)
        scores<bf16, 12>,
#else
        ScoreLoops{},
#endif
        rotation, head, head_gradient, convert_scaled, dot_rows, scale_columns, turn, few_scores, few_softmax, few_values,
    },
    adam,
    logits_peak,
    at_least,
};

}  // namespace CYGNET_ISA
}  // namespace cygnet::cpu
