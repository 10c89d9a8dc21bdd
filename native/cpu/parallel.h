#pragma once

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace cygnet::cpu {

// Threads for our kernels: as many as the BLAS started with, which respects affinity and its environment variables.
int threads();
void set_threads(int count);

// Calls body(i) for i in [0, count), on as many threads as there are; each takes the next i when it is free.
template <typename Body>
void parallel_items(int count, Body&& body) {
  const int workers = std::clamp(threads(), 1, std::max(count, 1));
  std::atomic<int> next{0};
  auto work = [&] {
    for (int i = next++; i < count; i = next++) body(i);
  };
  std::vector<std::thread> others;
  for (int worker = 1; worker < workers; worker++) others.emplace_back(work);
  work();
  for (std::thread& other : others) other.join();
}

// Calls body(begin, end) over equal parts of [0, count); small counts stay on this thread.
template <typename Body>
void parallel_ranges(size_t count, size_t smallest, Body&& body) {
  const size_t parts = std::clamp<size_t>(count / std::max<size_t>(smallest, 1), 1, threads());
  if (parts == 1) return body(size_t{0}, count);
  parallel_items(static_cast<int>(parts), [&](int part) { body(count * part / parts, count * (part + 1) / parts); });
}

}  // namespace cygnet::cpu
