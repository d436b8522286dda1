// Every item of an index as it stood at one version, in pieces.
//
// Slots that go meanwhile are kept for the scan, so a scan that stands still costs memory. Thread-safe: several threads
// may take pieces of one scan. REQUIRES: the index outlives the scan.
#pragma once

#include <atomic>
#include <vector>

#include "vector/index.h"

namespace lakehouse::vector {

struct HeldItems {
  explicit HeldItems(SessionPool& pool) : session(pool) {}
  SessionPool::Session session;
  const ItemTable* items = nullptr;
  uint32_t dimension = 0;
  IndexVersion version;
  std::vector<Slot> slots;
};

class ItemScan {
 public:
  ItemScan(std::unique_ptr<const HeldItems> held, ItemColumns columns) : held_(std::move(held)), columns_(columns) {}

  IndexVersion version() const { return held_->version; }
  size_t length() const { return held_->slots.size(); }
  // The next items, at most `limit` of them; none: the end.
  std::vector<StoredItem> Next(size_t limit);

 private:
  const std::unique_ptr<const HeldItems> held_;
  const ItemColumns columns_;
  std::atomic<size_t> next_{0};
};

}  // namespace lakehouse::vector
