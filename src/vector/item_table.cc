#include "vector/item_table.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "base/hash.h"
#include "vector/kernels.h"
#include "vector/stretches.h"

namespace lakehouse::vector {
namespace {

constexpr Slot kNoId = ~Slot{0};

// A record: u32 bytes of metadata plus one (0: none was given), u16 bytes of the id, the id, the metadata.
constexpr size_t kRecordHeader = 6;

uint32_t MetadataField(const char* record) {
  uint32_t field;
  std::memcpy(&field, record, sizeof field);
  return field;
}

uint16_t IdBytes(const char* record) {
  uint16_t bytes;
  std::memcpy(&bytes, record + 4, sizeof bytes);
  return bytes;
}

size_t RecordBytes(const char* record) {
  const uint32_t metadata = MetadataField(record);
  return kRecordHeader + IdBytes(record) + (metadata == 0 ? 0 : metadata - 1);
}

std::unexpected<Error> WrongItems(std::string_view what) {
  return Fail(ErrorKind::kInternal, "the vector segment is damaged: {}", what);
}

}  // namespace

Result<std::unique_ptr<ItemTable>> ItemTable::Make(uint32_t dimension, std::optional<std::filesystem::path> folder) {
  std::unique_ptr<ItemTable> table(new ItemTable(dimension));
  table->vectors_in_file_ = folder.has_value();
  LH_ASSIGN(table->vectors_, SlotMemory::Make(dimension * sizeof(float), std::move(folder)));
  LH_ASSIGN(table->entries_, SlotMemory::Make(sizeof(Entry), std::nullopt));
  return table;
}

ItemTable::~ItemTable() {
  for (Slot slot = 0; slot < slots(); ++slot) DropRecord(EntryOf(slot));
}

void ItemTable::DropRecord(Entry& entry) {
  const char* record = entry.record.exchange(nullptr);
  if (record == nullptr || entry.owned == 0) return;
  record_bytes_.fetch_sub(RecordBytes(record));
  std::free(const_cast<char*>(record));
  entry.owned = 0;
}

uint64_t ItemTable::bytes() const {
  const ReaderLock lock(ids_mutex_);
  return (vectors_in_file_ ? 0 : vectors_->bytes()) + entries_->bytes() + record_bytes_.load() +
         ids_.size() * sizeof(Slot);
}

std::string_view ItemTable::Id(Slot slot) const {
  const char* record = EntryOf(slot).record.load(std::memory_order_acquire);
  return {record + kRecordHeader, IdBytes(record)};
}

std::optional<std::string_view> ItemTable::Metadata(Slot slot) const {
  const char* record = EntryOf(slot).record.load(std::memory_order_acquire);
  const uint32_t field = MetadataField(record);
  if (field == 0) return std::nullopt;
  return std::string_view(record + kRecordHeader + IdBytes(record), field - 1);
}

std::string_view ItemTable::Record(Slot slot) const {
  const char* record = EntryOf(slot).record.load(std::memory_order_acquire);
  return {record, RecordBytes(record)};
}

Status ItemTable::AdoptEntries(const Parts& parts, const std::function<bool(Slot)>& holds_node, bool has_graph,
                               unsigned threads) {
  constexpr size_t kStretch = 16'384;
  std::atomic<size_t> live{0};
  const auto lies_inside = [&](uint64_t begins) {
    return begins <= parts.records.size() && parts.records.size() - begins >= kRecordHeader &&
           RecordBytes(parts.records.data() + begins) <= parts.records.size() - begins;
  };
  const bool good = InStretches(parts.offsets.size(), kStretch, threads, [&](size_t from, size_t to) {
    size_t live_here = 0;
    for (size_t i = from; i < to; ++i) {
      const auto slot = static_cast<Slot>(i);
      const uint64_t begins = parts.offsets[slot];
      if (begins == 0) continue;
      if (!lies_inside(begins - 1) || (has_graph && !holds_node(slot))) return false;
      Entry& entry = EntryOf(slot);
      entry.record.store(parts.records.data() + begins - 1, std::memory_order_relaxed);
      entry.inverse_length = parts.lengths[slot];
      entry.live.store(1, std::memory_order_relaxed);
      ++live_here;
    }
    live += live_here;
    return true;
  });
  if (!good) return WrongItems("an item lies outside its section or has no node");
  slots_.store(parts.offsets.size());
  live_.store(live);
  if (live == parts.offsets.size()) return {};
  for (Slot slot = 0; slot < parts.offsets.size(); ++slot) {
    if (parts.offsets[slot] == 0 && !holds_node(slot)) free_.push_back(slot);
  }
  return {};
}

Status ItemTable::Adopt(Parts parts, const std::function<bool(Slot)>& holds_node, bool has_graph, unsigned threads) {
  const size_t slots = parts.offsets.size(), ids = parts.ids.size();
  LH_TRY(entries_->Reserve(slots));
  LH_TRY(vectors_->Adopt(parts.mapping, parts.vectors_offset, slots));
  LH_TRY(AdoptEntries(parts, holds_node, has_graph, threads));
  if (ids < 64 || !std::has_single_bit(ids) || ids < live() * 2)
    return WrongItems("its table of ids has an impossible size");
  const WriterLock lock(ids_mutex_);
  ids_.assign(parts.ids.begin(), parts.ids.end());
  id_count_ = ids - static_cast<size_t>(std::ranges::count(ids_, kNoId));
  if (id_count_ != live()) return WrongItems("its ids are not those of its items");
  if (std::ranges::any_of(ids_, [&](Slot slot) { return slot != kNoId && slot >= slots; })) {
    return WrongItems("an id leads nowhere");
  }
  keeps_ = std::move(parts.mapping);
  return {};
}

Status ItemTable::CheckIds() const {
  const ReaderLock lock(ids_mutex_);
  for (size_t place = 0; place < ids_.size(); ++place) {
    const Slot slot = ids_[place];
    if (slot != kNoId && (!IsLive(slot) || PlaceOf(Id(slot)) != place))
      return WrongItems("an id leads to no item of it");
  }
  return {};
}

std::vector<Slot> ItemTable::LiveSlots() const {
  std::vector<Slot> live;
  live.reserve(this->live());
  for (Slot slot = 0; slot < slots(); ++slot) {
    if (IsLive(slot)) live.push_back(slot);
  }
  return live;
}

// A damaged table of ids may lead to a slot without an item.
bool ItemTable::HasId(Slot slot, std::string_view id) const {
  return EntryOf(slot).record.load(std::memory_order_acquire) != nullptr && Id(slot) == id;
}

size_t ItemTable::PlaceOf(std::string_view id) const {
  const size_t mask = ids_.size() - 1;
  size_t place = Xxh3(id) & mask;
  while (ids_[place] != kNoId && !HasId(ids_[place], id)) place = (place + 1) & mask;
  return place;
}

std::optional<Slot> ItemTable::Find(std::string_view id) const {
  const ReaderLock lock(ids_mutex_);
  if (ids_.empty()) return std::nullopt;
  const Slot slot = ids_[PlaceOf(id)];
  return slot == kNoId ? std::nullopt : std::optional(slot);
}

void ItemTable::GrowIds(size_t ids) {
  if (ids * 2 <= ids_.size()) return;
  std::vector<Slot> old(std::max<size_t>(64, std::bit_ceil(ids * 2)), kNoId);
  std::swap(old, ids_);
  for (const Slot slot : old) {
    if (slot != kNoId) ids_[PlaceOf(Id(slot))] = slot;
  }
}

// Later ids of the same run move up, so that no search stops at the gap.
void ItemTable::EraseId(size_t place) {
  const size_t mask = ids_.size() - 1;
  ids_[place] = kNoId;
  for (size_t next = (place + 1) & mask; ids_[next] != kNoId; next = (next + 1) & mask) {
    const Slot slot = std::exchange(ids_[next], kNoId);
    ids_[PlaceOf(Id(slot))] = slot;
  }
}

Result<std::vector<Slot>> ItemTable::Place(size_t count) {
  const size_t fresh = count - std::min(count, free_.size());
  LH_TRY(vectors_->Reserve(slots() + fresh));
  LH_TRY(entries_->Reserve(slots() + fresh));
  std::vector<Slot> placed;
  placed.reserve(count);
  while (placed.size() < count - fresh) {
    placed.push_back(free_.back());
    free_.pop_back();
  }
  const auto first = static_cast<Slot>(slots());
  for (size_t i = 0; i < fresh; ++i) placed.push_back(first + static_cast<Slot>(i));
  slots_.store(first + fresh, std::memory_order_release);
  return placed;
}

Status ItemTable::Fill(Slot slot, std::string_view id, const float* vector, std::optional<std::string_view> metadata) {
  const size_t bytes = kRecordHeader + id.size() + (metadata ? metadata->size() : 0);
  auto* record = static_cast<char*>(std::malloc(bytes));
  if (record == nullptr) return Fail(ErrorKind::kExhausted, "no memory for an item of a vector index");
  const auto metadata_field = static_cast<uint32_t>(metadata ? metadata->size() + 1 : 0);
  const auto id_bytes = static_cast<uint16_t>(id.size());
  std::memcpy(record, &metadata_field, 4);
  std::memcpy(record + 4, &id_bytes, 2);
  std::memcpy(record + kRecordHeader, id.data(), id.size());
  if (metadata) std::memcpy(record + kRecordHeader + id.size(), metadata->data(), metadata->size());
  record_bytes_.fetch_add(bytes);
  std::memcpy(vectors_->At(slot), vector, dimension_ * sizeof(float));
  Entry& entry = EntryOf(slot);
  const float length = std::sqrt(BestKernels().dot(vector, vector, dimension_));
  entry.inverse_length = length > 0 ? 1 / length : 0;
  entry.owned = 1;
  entry.record.store(record, std::memory_order_release);
  return {};
}

void ItemTable::GiveBack(std::span<const Slot> slots) {
  for (const Slot slot : slots) {
    DropRecord(EntryOf(slot));
    free_.push_back(slot);
  }
}

void ItemTable::Publish(const Change& change) {
  {
    const WriterLock lock(ids_mutex_);
    GrowIds(id_count_ + change.come.size());
    for (const Slot slot : change.come) {
      Slot& place = ids_[PlaceOf(Id(slot))];
      if (place == kNoId) ++id_count_;
      place = slot;
    }
    for (const Slot slot : change.go) {
      const size_t place = PlaceOf(Id(slot));
      if (ids_[place] != slot) continue;
      EraseId(place);
      --id_count_;
    }
  }
  for (const Slot slot : change.come) EntryOf(slot).live.store(1, std::memory_order_release);
  for (const Slot slot : change.go) EntryOf(slot).live.store(0, std::memory_order_release);
  live_.fetch_add(change.come.size());
  live_.fetch_sub(change.go.size());
}

void ItemTable::Free(std::span<const Slot> slots) { GiveBack(slots); }

}  // namespace lakehouse::vector
