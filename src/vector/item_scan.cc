#include "vector/item_scan.h"

#include <algorithm>

namespace lakehouse::vector {

std::vector<StoredItem> ItemScan::Next(size_t limit) {
  const std::vector<Slot>& slots = held_->slots;
  const size_t from = std::min(next_.fetch_add(limit), slots.size()), to = std::min(from + limit, slots.size());
  std::vector<StoredItem> items(to - from);
  for (size_t i = from; i < to; ++i) {
    StoredItem& item = items[i - from];
    item.id = held_->items->Id(slots[i]);
    if (columns_.vector) {
      const float* vector = held_->items->Vector(slots[i]);
      item.vector.assign(vector, vector + held_->dimension);
    }
    if (!columns_.metadata) continue;
    if (const auto metadata = held_->items->Metadata(slots[i])) item.metadata = std::string(*metadata);
  }
  return items;
}

Result<std::unique_ptr<ItemScan>> Index::Scan(ItemColumns columns) {
  LH_TRY(Verify());
  constexpr int kTries = 4;
  for (int i = 0; i < kTries; ++i) {
    auto held = std::make_unique<HeldItems>(sessions_);
    const uint64_t before = items_->publications();
    TakeLive(*held);
    if (before % 2 == 0 && items_->publications() == before) {
      return std::make_unique<ItemScan>(std::move(held), columns);
    }
  }
  // Batches come faster than slots can be listed. The lock first: whoever has it may be waiting for sessions.
  const MutexLock lock(apply_mutex_);
  auto held = std::make_unique<HeldItems>(sessions_);
  TakeLive(*held);
  return std::make_unique<ItemScan>(std::move(held), columns);
}

void Index::TakeLive(HeldItems& held) const {
  held.items = items_.get();
  held.dimension = options_.dimension;
  held.version = version();
  held.slots = items_->LiveSlots();
}

}  // namespace lakehouse::vector
