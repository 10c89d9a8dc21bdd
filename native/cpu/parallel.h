#pragma once

#include <algorithm>
#include <cstddef>

namespace cygnet::cpu {

// Threads for products and kernels: as many as affinity and the control group allow, or CYGNET_CPU_THREADS.
int threads();
void set_threads(int count);

namespace detail {
using Call = void (*)(void* body, int item);
void run_items(int count, void* body, Call call);
}  // namespace detail

// Calls body(i) for i in [0, count) on the pool's threads; each takes the next i when it is free, so a thread that the
// system holds up costs little. Within a body, and while another thread uses the pool, everything runs on the caller.
template <typename Body>
void parallel_items(int count, Body&& body) {
  using B = std::remove_reference_t<Body>;
  detail::run_items(count, const_cast<void*>(static_cast<const void*>(&body)), [](void* b, int i) { (*static_cast<B*>(b))(i); });
}

// Calls body(begin, end) over equal parts of [0, count); small counts stay on this thread.
template <typename Body>
void parallel_ranges(size_t count, size_t smallest, Body&& body) {
  const size_t parts = std::clamp<size_t>(count / std::max<size_t>(smallest, 1), 1, 2 * threads());
  if (parts == 1) return body(size_t{0}, count);
  parallel_items(static_cast<int>(parts), [&](int part) { body(count * part / parts, count * (part + 1) / parts); });
}

}  // namespace cygnet::cpu
