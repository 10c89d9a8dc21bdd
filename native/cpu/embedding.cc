#ifdef CYGNET_OPENBLAS

#include <algorithm>
#include <cstring>
#include <numeric>

#include "kernel.h"
#include "kernels.h"
#include "parallel.h"

// N ids · V vocabulary · D elements of a row

namespace cygnet::cpu {
namespace {

constexpr size_t kSmallestPart = 16384;

// Row `id` of the table, or zeros where there is none.
void read_row(const Matrix& table, int id, Type type, float* buffer, uint8_t* out) {
  const size_t bytes = size_t(table.cols) * size_of(type);
  if (id < 0 || id >= table.rows) {
    std::memset(out, 0, bytes);
  } else if (table.format == dense(type, nullptr, 0, 0).format) {
    std::memcpy(out, table.row(id), bytes);
  } else {
    isa().f32.unpack(table, id, 0, table.cols, buffer);
    isa().store(buffer, table.cols, 1, table.cols, false, false, type, out, table.cols, nullptr);
  }
}

// inputs: dy [N, D], ids [N]   outputs: dW [V, D], each row the sum of the dy with its id
class EmbeddingGradient : public Kernel {
 public:
  using Kernel::Kernel;
  DEFINE_NAME(EmbeddingGradient)

  void eval_cpu(const Arrays& given, Arrays& outputs) override {
    allocate(outputs);
    const Arrays inputs = row_contiguous(given);
    const int N = static_cast<int>(inputs[1].size()), V = outputs[0].shape(0), D = outputs[0].shape(1);
    dispatch([N, V, D, type = type_of(inputs[0]), dy = inputs[0].data<uint8_t>(), ids = inputs[1].data<int32_t>(),
              dw_type = type_of(outputs[0]), dw = outputs[0].data<uint8_t>()] {
      std::vector<int> order(N);
      std::iota(order.begin(), order.end(), 0);
      std::stable_sort(order.begin(), order.end(), [ids](int a, int b) { return ids[a] < ids[b]; });
      const size_t bytes = size_t(D) * size_of(dw_type);
      parallel_ranges(V, std::max<size_t>(kSmallestPart / std::max(D, 1), 1), [&](size_t begin, size_t end) {
        Scratch::Frame frame(Scratch::mine());
        float *sum = Scratch::mine().get<float>(D), *row = Scratch::mine().get<float>(D);
        std::memset(dw + begin * bytes, 0, (end - begin) * bytes);
        const auto before = [ids](int at, int64_t id) { return ids[at] < id; };
        auto at = std::lower_bound(order.begin(), order.end(), static_cast<int64_t>(begin), before);
        const auto last = std::lower_bound(at, order.end(), static_cast<int64_t>(end), before);
        while (at != last) {
          const int id = ids[*at];
          std::fill(sum, sum + D, 0.0f);
          for (; at != last && ids[*at] == id; ++at) {
            isa().f32.unpack(dense(type, dy, N, D), *at, 0, D, row);
            for (int i = 0; i < D; i++) sum[i] += row[i];
          }
          isa().store(sum, D, 1, D, false, false, dw_type, dw + id * bytes, D, nullptr);
        }
      });
    });
  }
};

class Embedding : public Kernel {
 public:
  Embedding(mx::Stream stream, Projection table) : Kernel(stream), table_(table) {}
  DEFINE_NAME(Embedding)

  // inputs: ids, the table's arrays
  void eval_cpu(const Arrays& given, Arrays& outputs) override {
    allocate(outputs);
    const Arrays inputs = row_contiguous(given);
    const Matrix table = weight_of(inputs, table_);
    dispatch([table, N = inputs[0].size(), type = type_of(outputs[0]), ids = inputs[0].data<int32_t>(), out = outputs[0].data<uint8_t>()] {
      parallel_ranges(N, std::max<size_t>(kSmallestPart / std::max(table.cols, 1), 1), [=](size_t begin, size_t end) {
        Scratch::Frame frame(Scratch::mine());
        float* buffer = Scratch::mine().get<float>(table.cols);
        for (size_t i = begin; i < end; i++) read_row(table, ids[i], type, buffer, out + i * table.cols * size_of(type));
      });
    });
  }

  Arrays vjp(const Arrays& primals, const Arrays& cotangents, const std::vector<int>& argnums, const Arrays&) override {
    Arrays out;
    for (int argnum : argnums) {
      const mx::array& primal = primals[argnum];
      if (argnum == 0) {
        out.push_back(mx::zeros_like(primal, stream()));
      } else if (argnum > 1 || table_.has_scales) {
        throw std::invalid_argument("a packed embedding has no gradient");
      } else {
        out.push_back(run_kernel<EmbeddingGradient>({primal.shape()}, {primal.dtype()}, {cotangents[0], primals[0]})[0]);
      }
    }
    return out;
  }

 private:
  Projection table_;
};

}  // namespace

mx::array embedding(const mx::array& ids, std::vector<mx::array> operands, Projection table, mx::Dtype dtype) {
  Arrays inputs{mx::astype(ids, mx::int32, mx::default_stream(mx::Device::cpu))};
  inputs.insert(inputs.end(), std::make_move_iterator(operands.begin()), std::make_move_iterator(operands.end()));
  table.first = 1;
  if (inputs.size() < 2 || inputs[1].ndim() != 2 || !is_floating(dtype)) throw std::invalid_argument("embedding needs a table [V, D]");
  mx::Shape shape = ids.shape();
  shape.push_back(columns_of(inputs, table));
  return run_kernel<Embedding>({std::move(shape)}, {dtype}, std::move(inputs), table)[0];
}

}  // namespace cygnet::cpu

#endif
