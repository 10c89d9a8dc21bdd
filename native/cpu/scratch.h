#pragma once

#include <cstdint>
#include <cstdlib>
#include <new>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(from, size) ((void)(from))
#define ASAN_UNPOISON_MEMORY_REGION(from, size) ((void)(from))
#endif

namespace cygnet::cpu {

// Memory that a thread keeps between jobs. What a frame took is free again when the frame ends. AddressSanitizer is told what is
// taken: there is a gap of some bytes behind each piece.
class Scratch {
 public:
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  ~Scratch() {
    for (Chunk& chunk : chunks_) {
      ASAN_UNPOISON_MEMORY_REGION(chunk.data, chunk.size);
      std::free(chunk.data);
    }
  }

  static Scratch& mine() {
    static thread_local Scratch scratch;
    return scratch;
  }

  // Aligned for any vector; its content is undefined.
  template <typename T>
  T* get(size_t count) {
    const size_t bytes = (count * sizeof(T) + kAlignment) / kAlignment * kAlignment;
    for (; at_ < chunks_.size(); at_++, used_ = 0) {
      if (used_ + bytes <= chunks_[at_].size) return take<T>(count, bytes);
    }
    const size_t size = (bytes + kChunk - 1) / kChunk * kChunk;
    void* data = std::aligned_alloc(kChunk, size);
    if (!data) throw std::bad_alloc();
#if defined(__linux__)
    madvise(data, size, MADV_HUGEPAGE);
#endif
    chunks_.push_back({static_cast<uint8_t*>(data), size});
    ASAN_POISON_MEMORY_REGION(data, size);
    return take<T>(count, bytes);
  }

  class Frame {
   public:
    explicit Frame(Scratch& scratch) : scratch_(scratch), at_(scratch.at_), used_(scratch.used_) {}
    ~Frame() { scratch_.give_back(at_, used_); }
    Frame(const Frame&) = delete;

   private:
    Scratch& scratch_;
    size_t at_, used_;
  };

 private:
  static constexpr size_t kAlignment = 4096;
  static constexpr size_t kChunk = size_t{2} << 20;  // a huge page
  struct Chunk {
    uint8_t* data;
    size_t size;
  };

  template <typename T>
  T* take(size_t count, size_t bytes) {
    uint8_t* data = chunks_[at_].data + used_;
    used_ += bytes;
    ASAN_UNPOISON_MEMORY_REGION(data, count * sizeof(T));
    return reinterpret_cast<T*>(data);
  }

  void give_back(size_t at, size_t used) {
    for (size_t i = at; i <= at_ && i < chunks_.size(); i++) {
      const size_t from = i == at ? used : 0;
      ASAN_POISON_MEMORY_REGION(chunks_[i].data + from, chunks_[i].size - from);
    }
    at_ = at;
    used_ = used;
  }

  std::vector<Chunk> chunks_;
  size_t at_ = 0, used_ = 0;
};

}  // namespace cygnet::cpu
