#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <stdexcept>
#include <vector>

#include "mlx/array.h"

namespace cygnet {

namespace mx = mlx::core;

// Arrays cross the border as slot numbers, and scopes free them: garbage collection never owns a tensor (docs/memory.md).
// One table per environment, so worker threads never share one. A handle holds the slot's index and the low bits of its
// serial number, so that the use of a freed tensor is an error rather than somebody else's array.
class Handles {
 public:
  uint32_t add(mx::array array) {
    uint32_t index;
    if (free_.size() > kReuseDelay) {
      index = free_.front();
      free_.pop_front();
    } else {
      index = static_cast<uint32_t>(slots_.size());
      if (index > kIndexMask) throw std::runtime_error("too many live tensors: leave a scope to free some");
      slots_.emplace_back();
    }
    Slot& slot = slots_[index];
    slot.array.emplace(std::move(array));
    slot.depth = static_cast<uint32_t>(scopes_.size());
    if (slot.depth > 0) scopes_.back().push_back({index, slot.serial});
    live_++;
    return index | (slot.serial << kIndexBits & kHandleMask);
  }

  const mx::array& at(uint32_t handle) const { return *slot_of(handle).array; }

  // Drops the handle; graphs that use the array keep it. Freeing twice is not an error.
  void free(uint32_t handle) {
    if (is_live(handle)) release(handle & kIndexMask);
  }

  // Takes the tensor out of every scope: its owner frees it.
  void keep(uint32_t handle) { slot_of(handle).depth = 0; }

  void push_scope() { scopes_.emplace_back(); }

  // Frees what the innermost scope made, except `returned`, which goes to the scope around it. A returned tensor that is
  // freed already is an error, and then everything is freed.
  void pop_scope(const std::vector<uint32_t>& returned) {
    if (scopes_.empty()) throw std::logic_error("no scope is open");
    const uint32_t depth = static_cast<uint32_t>(scopes_.size());
    const std::vector<Entry> entries = std::move(scopes_.back());
    scopes_.pop_back();
    const bool stale = std::any_of(returned.begin(), returned.end(), [&](uint32_t handle) { return !is_live(handle); });
    if (!stale) {
      for (uint32_t handle : returned) {
        Slot& slot = slot_of(handle);
        if (slot.depth != depth) continue;
        slot.depth = depth - 1;
        if (depth > 1) scopes_.back().push_back({handle & kIndexMask, slot.serial});
      }
    }
    for (const Entry& entry : entries) {
      const Slot& slot = slots_[entry.index];
      if (slot.array && slot.serial == entry.serial && slot.depth == depth) release(entry.index);
    }
    if (stale) throw std::invalid_argument("tensor is already freed");
  }

  size_t live() const { return live_; }

 private:
  struct Slot {
    std::optional<mx::array> array;
    uint32_t serial = 0;
    uint32_t depth = 0;  // 0: owned by the caller
  };
  struct Entry {
    uint32_t index;
    uint32_t serial;
  };
  // 22 bits of index and 9 of serial make a 31-bit number, which V8 passes without an allocation.
  static constexpr uint32_t kIndexBits = 22;
  static constexpr uint32_t kIndexMask = (1u << kIndexBits) - 1;
  static constexpr uint32_t kHandleMask = 0x7fffffffu;
  static constexpr size_t kReuseDelay = 64;  // slots rest in a queue, so that serials repeat late

  static bool alive(const Slot& slot, uint32_t handle) {
    return slot.array && (slot.serial << kIndexBits & kHandleMask) == (handle & ~kIndexMask);
  }

  bool is_live(uint32_t handle) const {
    const uint32_t index = handle & kIndexMask;
    return index < slots_.size() && alive(slots_[index], handle);
  }

  const Slot& slot_of(uint32_t handle) const {
    if (!is_live(handle)) throw std::invalid_argument("tensor is already freed");
    return slots_[handle & kIndexMask];
  }
  Slot& slot_of(uint32_t handle) { return const_cast<Slot&>(std::as_const(*this).slot_of(handle)); }

  void release(uint32_t index) {
    slots_[index].array.reset();
    slots_[index].serial++;
    free_.push_back(index);
    live_--;
  }

  std::deque<Slot> slots_;  // a deque: references stay valid while callbacks add slots
  std::deque<uint32_t> free_;
  std::vector<std::vector<Entry>> scopes_;
  size_t live_ = 0;
};

}  // namespace cygnet
