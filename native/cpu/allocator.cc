// libmlx takes all memory of arrays from `allocator()`. The Linux wheel's own calls malloc for every large buffer, which the
// system then clears page by page, in every training step again. The functions that share its state are defined here, all of
// them: the addon comes before libmlx in the symbol search. `Buffer::raw_ptr` stays libmlx's: it adds 8 to the pointer, and
// here too the data follow 8 bytes that hold the size.

#ifdef CYGNET_CPU_ALLOCATOR

#include "mlx/allocator.h"

#include <sys/sysinfo.h>

#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "mlx/memory.h"
#include "mlx/stream.h"
#include "mlx/transforms.h"
#include "page_heap.h"

namespace cygnet::cpu {
namespace {

namespace mx = mlx::core;
using mx::allocator::Buffer;

// Data lie behind their header at multiples of a cache line.
constexpr size_t kAlignment = 64;
// Buffers up to this size come from malloc, in steps of an eighth of a power of two; larger ones are pages.
constexpr size_t kSmall = 16384;
constexpr size_t kSmallKept = size_t{16} << 20;

struct Header {
  void* origin;  // what malloc returned, or the extent
  size_t size;
};

Header* header_of(void* buffer) { return reinterpret_cast<Header*>(static_cast<char*>(buffer) + sizeof(size_t)) - 1; }

// Stores the header before the data and returns what libmlx takes for the buffer: the place of its size.
void* framed(void* data, void* origin, size_t size) {
  Header* header = static_cast<Header*>(data) - 1;
  *header = {origin, size};
  return &header->size;
}

// Eight classes for each power of two, from 64 bytes on.
size_t class_of(size_t size) {
  if (size <= kAlignment) return 0;
  const int power = std::bit_width(size - 1) - 1;
  return (power - 6) * 8 + ((size - 1) >> (power - 3)) - 7;
}
size_t class_size(size_t index) {
  return index == 0 ? kAlignment : (8 + (index - 1) % 8 + 1) << ((index - 1) / 8 + 3);
}
constexpr size_t kClasses = 65;

size_t system_memory() {
  struct sysinfo info;
  return sysinfo(&info) == 0 ? size_t{info.totalram} * info.mem_unit : size_t{10} << 30;
}

class Allocator : public mx::allocator::Allocator {
 public:
  Buffer malloc(size_t size) override {
    std::lock_guard lock(mutex_);
    void* buffer = size <= kSmall ? small(size) : large(size);
    active_ += size;
    peak_ = std::max(peak_, active_);
    return Buffer(buffer);
  }

  void free(Buffer buffer) override {
    if (!buffer.ptr()) return;
    const Header header = *header_of(buffer.ptr());
    std::lock_guard lock(mutex_);
    active_ -= header.size;
    if (header.size > kSmall) {
      pages_.give_back(static_cast<PageHeap::Extent*>(header.origin));
      trim();
      return;
    }
    const size_t index = class_of(header.size);
    if (cached() + class_size(index) > cache_limit_ || small_kept_ + class_size(index) > kSmallKept) {
      std::free(header.origin);
      return;
    }
    small_[index].push_back(header.origin);
    small_kept_ += class_size(index);
  }

  size_t size(Buffer buffer) const override { return buffer.ptr() ? header_of(buffer.ptr())->size : 0; }

  size_t active() {
    std::lock_guard lock(mutex_);
    return active_;
  }
  size_t peak() {
    std::lock_guard lock(mutex_);
    return peak_;
  }
  void reset_peak() {
    std::lock_guard lock(mutex_);
    peak_ = 0;
  }
  size_t cache() {
    std::lock_guard lock(mutex_);
    return cached();
  }
  size_t memory_limit() {
    std::lock_guard lock(mutex_);
    return memory_limit_;
  }
  size_t set_memory_limit(size_t limit) {
    std::lock_guard lock(mutex_);
    return std::exchange(memory_limit_, limit);
  }
  size_t set_cache_limit(size_t limit) {
    std::lock_guard lock(mutex_);
    const size_t before = std::exchange(cache_limit_, limit);
    trim();
    return before;
  }
  void clear_cache() {
    std::lock_guard lock(mutex_);
    clear();
  }

 private:
  void* small(size_t size) {
    const size_t index = class_of(size);
    std::vector<void*>& kept = small_[index];
    void* origin;
    if (kept.empty()) {
      origin = std::malloc(class_size(index) + kAlignment);
      if (!origin) throw std::bad_alloc();
    } else {
      origin = kept.back();
      kept.pop_back();
      small_kept_ -= class_size(index);
    }
    const uintptr_t data = (reinterpret_cast<uintptr_t>(origin) + sizeof(Header) + kAlignment - 1) & ~(kAlignment - 1);
    return framed(reinterpret_cast<void*>(data), origin, size);
  }

  // Pages kept fill up what was once in use at most, so the cache does not add to what the process needs. The 1/128 beyond is
  // room for pieces too small to be of use: without it every step returns some and faults them in again.
  void* large(size_t size) {
    if (size > SIZE_MAX / 2) throw std::bad_alloc();
    PageHeap::Extent* extent = pages_.take(size + kAlignment, std::min(most_used_ + most_used_ / 128, memory_limit_));
    if (!extent) {
      clear();
      extent = pages_.take(size + kAlignment, 0);
    }
    if (!extent) throw std::runtime_error("[malloc] Unable to allocate " + std::to_string(size) + " bytes.");
    most_used_ = std::max(most_used_, pages_.used());
    return framed(PageHeap::start_of(extent) + kAlignment, extent, size);
  }

  size_t cached() const { return pages_.kept() + small_kept_; }

  void trim() {
    if (cached() > cache_limit_) pages_.trim(cache_limit_ - std::min(cache_limit_, small_kept_));
  }

  void clear() {
    pages_.trim(0);
    most_used_ = pages_.used();
    for (std::vector<void*>& kept : small_) {
      for (void* origin : kept) std::free(origin);
      kept.clear();
    }
    small_kept_ = 0;
  }

  std::mutex mutex_;
  PageHeap pages_;
  std::array<std::vector<void*>, kClasses> small_;
  size_t small_kept_ = 0;
  size_t active_ = 0, peak_ = 0, most_used_ = 0;
  size_t cache_limit_ = SIZE_MAX;
  size_t memory_limit_ = system_memory() / 5 * 4;  // MLX's own: past it, evaluation waits for memory to come back
};

// Never destroyed: threads of MLX still free buffers while the process ends.
Allocator& shared() {
  static Allocator* allocator = new Allocator;
  return *allocator;
}

// Streams hold buffers until their work is done.
void finish_streams() {
  for (const mx::Stream& stream : mx::get_streams()) {
    if (stream.device == mx::Device::cpu) mx::synchronize(stream);
  }
}

}  // namespace
}  // namespace cygnet::cpu

namespace mlx::core {

using cygnet::cpu::shared;

namespace allocator {
Allocator& allocator() { return shared(); }
}  // namespace allocator

size_t get_active_memory() { return shared().active(); }
size_t get_peak_memory() { return shared().peak(); }
void reset_peak_memory() { shared().reset_peak(); }
size_t get_cache_memory() { return shared().cache(); }
size_t get_memory_limit() { return shared().memory_limit(); }
size_t set_memory_limit(size_t limit) { return shared().set_memory_limit(limit); }
size_t set_cache_limit(size_t limit) { return shared().set_cache_limit(limit); }
void clear_cache() {
  cygnet::cpu::finish_streams();
  shared().clear_cache();
}

}  // namespace mlx::core

#endif
