#include "vector/index_set.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/uuid.h"

namespace lakehouse::vector {
namespace {

constexpr std::chrono::seconds kBetweenRounds{1};
// Of one item, about: its code, links and what lies beside.
uint64_t GraphBytes(const IndexOptions& options) {
  constexpr uint64_t kBeside = 32;
  uint64_t bits = 8;
  switch (options.quantization) {
    case Quantization::kNone:
      bits = 32;
      break;
    case Quantization::kBf16:
      bits = 16;
      break;
    case Quantization::kSq8:
      bits = 8;
      break;
    case Quantization::kRabitq4:
      bits = 4;
      break;
    case Quantization::kRabitq1:
      bits = 1;
      break;
  }
  return options.dimension * bits / 8 + uint64_t{options.m} * 10 + kBeside;
}

}  // namespace

IndexSet::IndexSet(VectorEnvironment environment)
    : environment_(std::move(environment)), caretaker_([this](const std::stop_token& stop) { LookAfter(stop); }) {}

IndexSet::~IndexSet() {
  {
    const MutexLock lock(mutex_);
    caretaker_.request_stop();
  }
  stopping_.NotifyAll();
  caretaker_.join();
}

void IndexSet::LookAfter(const std::stop_token& stop) {
  RequestContext context;
  context.internal = true;
  context.cancelled = stop;
  while (!stop.stop_requested()) {
    if (!Ready()) {
      if (const Status opened = OpenAll(context); !opened && !stop.stop_requested()) {
        environment_.log.Warn("vector indexes cannot be read yet", {{"reason", opened.error().detail}});
        const MutexLock lock(mutex_);
        trouble_ = opened.error().detail;
      }
    }
    for (const auto& index : All()) {
      if (stop.stop_requested()) return;
      index->Maintain(context);
      if (!index->index().CheckUndamaged()) PutAside(*index);
    }
    OpenAgain(context);
    const MutexLock lock(mutex_);
    if (!stop.stop_requested()) stopping_.WaitUntil(mutex_, std::chrono::steady_clock::now() + kBetweenRounds);
  }
}

// Nothing of a damaged segment is used: what is next read for the index comes from the store.
void IndexSet::PutAside(DurableIndex& index) {
  const std::string& name = index.definition().name;
  environment_.log.Error("a vector segment on disk is damaged; the index is read from the store again",
                         {{"index", name}, {"error", index.index().CheckUndamaged().error().detail}});
  index.RemoveSegments();
  const MutexLock lock(mutex_);
  const auto found = indexes_.find(AsciiLower(name));
  if (found == indexes_.end() || !found->second.index || found->second.index->get() != &index) return;
  found->second.index =
      Fail(ErrorKind::kUnavailable,
           "the vector index \"{}\" is being read from the store again, as its file on disk was damaged", name);
}

void IndexSet::OpenAgain(const RequestContext& context) {
  std::vector<std::string> keys;
  {
    const MutexLock lock(mutex_);
    for (const auto& [name, opened] : indexes_) {
      if (!opened.index && opened.index.error().kind == ErrorKind::kUnavailable) keys.push_back(DefinitionKey(name));
    }
  }
  for (const std::string& key : keys) {
    if (const Status opened = OpenOne(context, key); !opened && !context.cancelled.stop_requested()) {
      environment_.log.Warn("a vector index cannot be read yet", {{"reason", opened.error().detail}});
    }
  }
}

Status IndexSet::OpenOne(const RequestContext& context, const std::string& key) {
  std::string name = key.substr(kDefinitionPrefix.size());
  if (!name.ends_with(".json")) return {};
  name.resize(name.size() - std::string_view(".json").size());
  {
    const MutexLock lock(mutex_);
    if (const auto found = indexes_.find(name); found != indexes_.end() && found->second.index) return {};
  }
  auto text = object::GetWhole(environment_.store, context, key);
  if (!text) return text.error().kind == ErrorKind::kNotFound ? Status() : Fail(std::move(text).error());
  auto definition = DecodeDefinition(*text);
  if (!definition) return Fail(std::move(definition.error()).In("the definition of the vector index " + name));
  auto index = DurableIndex::Open(context, environment_, *definition);
  // The owner before may have taken a snapshot and cut its log between our looks at the two.
  if (!index && (index.error().kind == ErrorKind::kInternal || index.error().kind == ErrorKind::kNotFound)) {
    index = DurableIndex::Open(context, environment_, *definition);
  }
  if (!index) {
    const ErrorKind kind = index.error().kind;
    // Of a store that does not answer nothing can be said; anything else is this index's own trouble.
    if (kind != ErrorKind::kInternal && kind != ErrorKind::kNotFound && kind != ErrorKind::kInvalid) {
      return Fail(std::move(index).error());
    }
    environment_.log.Error("a vector index cannot be opened",
                           {{"index", definition->name}, {"error", index.error().detail}});
    index = Fail(std::move(index.error()).In("vector index \"" + definition->name + "\""));
  }
  const MutexLock lock(mutex_);
  indexes_.insert_or_assign(name, Opened{*std::move(definition), std::move(index)});
  return {};
}

Status IndexSet::OpenAll(const RequestContext& context) {
  LH_TRY(object::ForEachObject(environment_.store, context, {.prefix = std::string(kDefinitionPrefix)},
                               [&](const object::ObjectInfo& object) -> Result<object::Listing> {
                                 LH_TRY(OpenOne(context, object.key));
                                 return object::Listing::kGoOn;
                               }));
  const MutexLock lock(mutex_);
  opened_ = true;
  return {};
}

Status IndexSet::Ready() const {
  const MutexLock lock(mutex_);
  if (opened_) return {};
  return Fail(ErrorKind::kUnavailable, "vector indexes are still being read{}{}", trouble_.empty() ? "" : ": ",
              trouble_);
}

Result<std::shared_ptr<DurableIndex>> IndexSet::Create(const RequestContext& context, std::string_view name,
                                                       const IndexOptions& options) {
  LH_TRY(CheckIndexName(name));
  LH_TRY(CheckOptions(options));
  LH_TRY(CheckMemory());
  IndexDefinition definition{RandomUuid(), std::string(name), {}, options};
  LH_ASSIGN(const WallTime now, environment_.store.Now(context));
  definition.created_at = FormatRfc3339(now);
  RequestContext own = context;
  own.internal = true;
  object::PutOptions put;
  put.if_none_match = true;
  put.content_type = "application/json";
  if (auto stored = object::PutWhole(environment_.store, own, DefinitionKey(name), EncodeDefinition(definition), put);
      !stored) {
    if (stored.error().kind != ErrorKind::kPreconditionFailed) return Fail(std::move(stored).error());
    return Fail(ErrorKind::kConflict, "a vector index named \"{}\" exists", name);
  }
  LH_ASSIGN(auto index, DurableIndex::Open(own, environment_, definition));
  const MutexLock lock(mutex_);
  indexes_.insert_or_assign(AsciiLower(name), Opened{std::move(definition), index});
  return index;
}

Result<std::shared_ptr<DurableIndex>> IndexSet::Find(std::string_view name) const {
  const MutexLock lock(mutex_);
  const auto found = indexes_.find(AsciiLower(name));
  if (found != indexes_.end()) return found->second.index;
  if (!opened_) return Fail(ErrorKind::kUnavailable, "vector indexes are still being read");
  return Fail(ErrorKind::kNotFound, "there is no vector index named \"{}\"", name);
}

Status IndexSet::Drop(const RequestContext& context, std::string_view name) {
  std::string uid;
  std::shared_ptr<DurableIndex> dropped;
  {
    const MutexLock lock(mutex_);
    const auto found = indexes_.find(AsciiLower(name));
    if (found == indexes_.end()) {
      return Fail(ErrorKind::kNotFound, "there is no vector index named \"{}\"", name);
    }
    uid = found->second.definition.uid;
    if (found->second.index) dropped = *found->second.index;
  }
  RequestContext own = context;
  own.internal = true;
  LH_TRY(environment_.store.Delete(own, DefinitionKey(name)));
  {
    const MutexLock lock(mutex_);
    indexes_.erase(AsciiLower(name));
  }
  if (dropped) {
    // What is still being stored would come after the list of what is to go.
    dropped->Retire();
    dropped->RemoveSegments();
  }
  // The index is gone with its definition; what it leaves behind is only room.
  return object::ForEachObject(environment_.store, own, {.prefix = "vectors/" + uid + "/"},
                               [&](const object::ObjectInfo& object) -> Result<object::Listing> {
                                 LH_TRY(environment_.store.Delete(own, object.key));
                                 return object::Listing::kGoOn;
                               });
}

Status IndexSet::Rebuild(const RequestContext& context, std::string_view name, const RebuildOptions& options) {
  LH_ASSIGN(const auto index, Find(name));
  IndexOptions wanted = index->definition().options;
  wanted.quantization = options.quantization.value_or(wanted.quantization);
  wanted.m = options.m.value_or(wanted.m);
  wanted.ef_construction = options.ef_construction.value_or(wanted.ef_construction);
  LH_TRY(CheckOptions(wanted));
  LH_TRY(CheckMemory(GraphBytes(wanted) * index->index().length()));
  RequestContext own = context;
  own.internal = true;
  return index->Rebuild(own, wanted);
}

std::vector<std::shared_ptr<DurableIndex>> IndexSet::All() const {
  const MutexLock lock(mutex_);
  std::vector<std::shared_ptr<DurableIndex>> all;
  for (const auto& [name, opened] : indexes_) {
    if (opened.index) all.push_back(*opened.index);
  }
  return all;
}

uint64_t IndexSet::bytes() const {
  uint64_t bytes = 0;
  for (const auto& index : All()) bytes += index->index().bytes();
  return bytes;
}

Status IndexSet::CheckMemory(uint64_t more) const {
  if (const uint64_t held = bytes(); held + more > environment_.memory_limit) {
    return Fail(ErrorKind::kExhausted,
                "vector indexes hold {} bytes and would need {} more, past [vectord] memory_limit = {}; raise it, or "
                "drop an index",
                held, more, environment_.memory_limit);
  }
  return {};
}

}  // namespace lakehouse::vector
