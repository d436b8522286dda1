// What the files of the graph share.
#pragma once

#include <array>
#include <thread>

#include "vector/graph.h"

namespace lakehouse::vector {

// Above the links that any layout has room for.
inline constexpr size_t kMaxLinks = 160;

// Nodes whose distances are asked for together.
struct NodeBatch {
  std::array<Slot, kMaxLinks> slots;
  std::array<const char*, kMaxLinks> codes;
  std::array<const NodeHeader*, kMaxLinks> headers;
  std::array<float, kMaxLinks> distances;
  size_t count = 0;

  void Add(Slot slot, const char* code, const NodeHeader* header) {
    slots[count] = slot;
    codes[count] = code;
    headers[count++] = header;
  }
};

// A node's links are changed by one thread at a time; held for microseconds.
class Graph::NodeLock {
 public:
  explicit NodeLock(Info& info) : info_(info) {
    while (info_.lock.exchange(1, std::memory_order_acquire) != 0) {
      while (info_.lock.load(std::memory_order_relaxed) != 0) std::this_thread::yield();
    }
  }
  ~NodeLock() { info_.lock.store(0, std::memory_order_release); }
  NodeLock(const NodeLock&) = delete;
  NodeLock& operator=(const NodeLock&) = delete;

 private:
  Info& info_;
};

}  // namespace lakehouse::vector
