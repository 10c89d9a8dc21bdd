#ifdef CYGNET_CPU_ALLOCATOR

#include "page_heap.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

namespace cygnet::cpu {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;
// Address space asked for at once, so that extents lie side by side: costs no memory until it is written to.
constexpr size_t kMapping = size_t{1} << 30;

size_t page_size() {
  static const size_t size = sysconf(_SC_PAGESIZE);
  return size;
}

size_t rounded_up(size_t size, size_t unit) { return (size + unit - 1) / unit * unit; }

// Address space for `size` bytes that begins at a huge page, or null.
char* reserve(size_t size) {
  void* found = mmap(nullptr, size + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (found == MAP_FAILED) return nullptr;
  auto* start = reinterpret_cast<char*>(rounded_up(reinterpret_cast<uintptr_t>(found), kHugePage));
  const size_t ahead = start - static_cast<char*>(found);
  if (ahead > 0) munmap(found, ahead);
  if (ahead < kHugePage) munmap(start + size, kHugePage - ahead);
  // One page fault for 2 MiB instead of 512, and fewer misses of the address translation.
  madvise(start, size, MADV_HUGEPAGE);
  return start;
}

}  // namespace

// A run of pages. Neighbours in address, within one mapping, form a list.
struct PageHeap::Extent {
  // kept: free, its pages in memory. empty: free, without pages.
  enum State { used, kept, empty };

  char* start;
  size_t size;
  Extent* before = nullptr;
  Extent* after = nullptr;
  State state = empty;
  uint64_t freed = 0;  // when it was given back
};

char* PageHeap::start_of(const Extent* extent) { return extent->start; }

PageHeap::Extent* PageHeap::take(size_t size, size_t limit) {
  size = rounded_up(size, page_size());
  Extent* extent = kept_of(size);
  if (!extent) {
    Extent* begun = begun_of(size);
    trim(limit > used_ + size ? limit - used_ - size : 0);
    extent = begun ? extended(begun) : empty_of(size);
  }
  if (!extent) return nullptr;
  split(extent, size);
  extent->state = Extent::used;
  used_ += extent->size;
  return extent;
}

// The smallest kept extent that suffices, out of its sets, or null.
PageHeap::Extent* PageHeap::kept_of(size_t size) {
  const auto fit = kept_by_size_.lower_bound({size, nullptr});
  if (fit == kept_by_size_.end()) return nullptr;
  Extent* extent = fit->second;
  unkeep(extent);
  return extent;
}

// A kept extent that suffices with the empty one behind it and is a quarter of it at least, out of its sets, or null.
PageHeap::Extent* PageHeap::begun_of(size_t size) {
  for (auto at = kept_by_size_.rbegin(); at != kept_by_size_.rend() && at->first.first >= size / 4; ++at) {
    Extent* extent = at->second;
    if (!extent->after || extent->after->state != Extent::empty || extent->size + extent->after->size < size) continue;
    unkeep(extent);
    extent->state = Extent::used;
    return extent;
  }
  return nullptr;
}

PageHeap::Extent* PageHeap::extended(Extent* begun) {
  empty_by_size_.erase({begun->after->size, begun->after->start});
  begun->state = Extent::empty;
  return joined(begun, begun->after);
}

// The smallest empty extent that suffices, out of its set, or a new one; null when the system has no more.
PageHeap::Extent* PageHeap::empty_of(size_t size) {
  const auto fit = empty_by_size_.lower_bound({size, nullptr});
  if (fit == empty_by_size_.end()) return map(size);
  Extent* extent = fit->second;
  empty_by_size_.erase(fit);
  return extent;
}

void PageHeap::give_back(Extent* extent) {
  used_ -= extent->size;
  for (Extent* neighbour : {extent->before, extent->after}) {
    if (!neighbour || neighbour->state != Extent::kept) continue;
    unkeep(neighbour);
    extent = neighbour == extent->before ? joined(neighbour, extent) : joined(extent, neighbour);
  }
  extent->freed = ++now_;
  keep(extent);
}

void PageHeap::trim(size_t size) {
  while (kept_ > size) {
    Extent* oldest = kept_by_age_.begin()->second;
    unkeep(oldest);
    const size_t surplus = rounded_up(kept_ + oldest->size - size, kHugePage);
    if (surplus < oldest->size) split(oldest, surplus);
    release(oldest);
  }
}

void PageHeap::keep(Extent* extent) {
  extent->state = Extent::kept;
  kept_ += extent->size;
  kept_by_size_.emplace(std::pair(extent->size, extent->start), extent);
  kept_by_age_.emplace(std::pair(extent->freed, extent->start), extent);
}

void PageHeap::unkeep(Extent* extent) {
  kept_ -= extent->size;
  kept_by_size_.erase({extent->size, extent->start});
  kept_by_age_.erase({extent->freed, extent->start});
}

// Cuts an extent that is in no set; what is beyond `size` becomes one of its own in the state it had.
void PageHeap::split(Extent* extent, size_t size) {
  if (extent->size == size) return;
  auto* rest = new Extent{extent->start + size, extent->size - size, extent, extent->after, extent->state, extent->freed};
  if (rest->after) rest->after->before = rest;
  extent->after = rest;
  extent->size = size;
  if (rest->state == Extent::kept) {
    keep(rest);
  } else {
    empty_by_size_.emplace(std::pair(rest->size, rest->start), rest);
  }
}

PageHeap::Extent* PageHeap::joined(Extent* left, Extent* right) {
  left->size += right->size;
  left->after = right->after;
  if (left->after) left->after->before = left;
  delete right;
  return left;
}

// A new empty extent in no set, or null.
PageHeap::Extent* PageHeap::map(size_t size) {
  size = rounded_up(size, kHugePage);
  for (size_t length : {std::max(size, kMapping), size}) {
    if (char* start = reserve(length)) return new Extent{start, length};
  }
  return nullptr;
}

// Returns the pages of an extent that is in no set, and the address space when its whole mapping is empty.
void PageHeap::release(Extent* extent) {
  madvise(extent->start, extent->size, MADV_DONTNEED);
  extent->state = Extent::empty;
  for (Extent* neighbour : {extent->before, extent->after}) {
    if (!neighbour || neighbour->state != Extent::empty) continue;
    empty_by_size_.erase({neighbour->size, neighbour->start});
    extent = neighbour == extent->before ? joined(neighbour, extent) : joined(extent, neighbour);
  }
  if (extent->before || extent->after) {
    empty_by_size_.emplace(std::pair(extent->size, extent->start), extent);
    return;
  }
  munmap(extent->start, extent->size);
  delete extent;
}

}  // namespace cygnet::cpu

#endif
