#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>

namespace cygnet::cpu {

// Whole pages from the system, cut to size and joined again. What is given back is kept: its pages stay in memory for the next
// taker, who pays no page faults, until `trim` returns them. Sizes in bytes. Not thread-safe.
class PageHeap {
 public:
  struct Extent;

  // At least `size` bytes, more than none; null when the system has no more. When nothing kept suffices, so much of it is
  // returned that used + kept stay within `limit`.
  Extent* take(size_t size, size_t limit);
  void give_back(Extent* extent);

  // Returns kept pages to the system, those given back longest ago first, until at most `size` bytes are kept.
  void trim(size_t size);

  size_t used() const { return used_; }
  size_t kept() const { return kept_; }

  static char* start_of(const Extent* extent);

 private:
  void keep(Extent* extent);
  void unkeep(Extent* extent);
  void split(Extent* extent, size_t size);
  Extent* joined(Extent* left, Extent* right);
  Extent* kept_of(size_t size);
  Extent* begun_of(size_t size);
  Extent* extended(Extent* begun);
  Extent* empty_of(size_t size);
  Extent* map(size_t size);
  void release(Extent* extent);

  // Free extents by size or time, then address.
  template <typename Rank>
  using Ranked = std::map<std::pair<Rank, char*>, Extent*>;
  Ranked<size_t> kept_by_size_, empty_by_size_;
  Ranked<uint64_t> kept_by_age_;
  size_t used_ = 0, kept_ = 0;
  uint64_t now_ = 0;
};

}  // namespace cygnet::cpu
