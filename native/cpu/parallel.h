#pragma once

#include <algorithm>
#include <thread>
#include <vector>

namespace cygnet::cpu {

// Threads for our kernels: those of the BLAS, which respects affinity and its environment variables.
int threads();

// Calls body(begin, end) over [0, count) in equal parts, one for each thread.
template <typename Body>
void parallel_for(int count, Body&& body) {
  const int parts = std::clamp(threads(), 1, std::max(count, 1));
  std::vector<std::thread> others;
  for (int part = 1; part < parts; part++) {
    others.emplace_back([&, part] { body(count * part / parts, count * (part + 1) / parts); });
  }
  body(0, count / parts);
  for (std::thread& other : others) other.join();
}

}  // namespace cygnet::cpu
