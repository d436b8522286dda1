#include "vector/index_set.h"

#include <algorithm>

#include "base/json.h"
#include "base/json_value.h"
#include "base/uuid.h"

namespace lakehouse::vector {
namespace {

constexpr std::string_view kPrefix = "vectors/indexes/";
constexpr std::chrono::seconds kBetweenRounds{1};
constexpr size_t kMaxNameBytes = 128;

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower;
}

Status CheckName(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto other = [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-'; };
  if (!name.empty() && name.size() <= kMaxNameBytes && letter(name.front()) && std::ranges::all_of(name, other)) {
    return {};
  }
  return Fail(ErrorKind::kInvalid,
              "field \"name\" must begin with a letter or _ and go on with letters, digits, _ and -, {} at most",
              kMaxNameBytes);
}

std::string KeyOf(std::string_view name) { return std::string(kPrefix) + Lower(name) + ".json"; }

std::string ToJson(const IndexDefinition& definition) {
  std::string text;
  JsonWriter(text)
      .BeginObject()
      .Key("uid")
      .String(definition.uid)
      .Key("name")
      .String(definition.name)
      .Key("created_at")
      .String(definition.created_at)
      .Key("dimension")
      .Number(definition.options.dimension)
      .Key("metric")
      .String(MetricName(definition.options.metric))
      .Key("quantization")
      .String(QuantizationName(definition.options.quantization))
      .Key("m")
      .Number(definition.options.m)
      .Key("ef_construction")
      .Number(definition.options.ef_construction)
      .Key("text_field")
      .String(definition.options.text_field)
      .EndObject();
  return text;
}

Result<IndexDefinition> FromJson(std::string_view text) {
  LH_ASSIGN(const auto value, ParseJson(text));
  LH_ASSIGN(const auto fields, JsonFields::Of(value, "the definition"));
  IndexDefinition definition;
  LH_ASSIGN(definition.uid, fields.String("uid"));
  LH_ASSIGN(definition.name, fields.String("name"));
  LH_ASSIGN(definition.created_at, fields.String("created_at"));
  LH_ASSIGN(const auto dimension, fields.Uint("dimension"));
  LH_ASSIGN(const auto m, fields.Uint("m"));
  LH_ASSIGN(const auto ef_construction, fields.Uint("ef_construction"));
  LH_ASSIGN(const auto metric, fields.String("metric"));
  LH_ASSIGN(const auto quantization, fields.String("quantization"));
  LH_ASSIGN(const auto text_field, fields.OptionalString("text_field"));
  const auto known_metric = MetricOf(metric);
  const auto known_quantization = QuantizationOf(quantization);
  if (!known_metric || !known_quantization) {
    return Fail(ErrorKind::kInternal, "metric \"{}\" or quantization \"{}\" is unknown to this program", metric,
                quantization);
  }
  constexpr uint64_t kMax = ~uint32_t{0};
  definition.options = {static_cast<uint32_t>(std::min(dimension, kMax)),
                        *known_metric,
                        *known_quantization,
                        static_cast<uint32_t>(std::min(m, kMax)),
                        static_cast<uint32_t>(std::min(ef_construction, kMax)),
                        text_field.value_or("")};
  LH_TRY(CheckOptions(definition.options));
  LH_TRY(CheckName(definition.name));
  return definition;
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
  const auto found = indexes_.find(Lower(name));
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
      if (!opened.index && opened.index.error().kind == ErrorKind::kUnavailable) keys.push_back(KeyOf(name));
    }
  }
  for (const std::string& key : keys) {
    if (const Status opened = OpenOne(context, key); !opened && !context.cancelled.stop_requested()) {
      environment_.log.Warn("a vector index cannot be read yet", {{"reason", opened.error().detail}});
    }
  }
}

Status IndexSet::OpenOne(const RequestContext& context, const std::string& key) {
  std::string name = key.substr(kPrefix.size());
  if (!name.ends_with(".json")) return {};
  name.resize(name.size() - std::string_view(".json").size());
  {
    const MutexLock lock(mutex_);
    if (const auto found = indexes_.find(name); found != indexes_.end() && found->second.index) return {};
  }
  auto text = object::GetWhole(environment_.store, context, key);
  if (!text) return text.error().kind == ErrorKind::kNotFound ? Status() : Fail(std::move(text).error());
  auto definition = FromJson(*text);
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
  object::ListOptions options{.prefix = std::string(kPrefix)};
  for (bool more = true; more;) {
    LH_ASSIGN(const auto page, environment_.store.List(context, options));
    for (const auto& object : page.objects) LH_TRY(OpenOne(context, object.key));
    more = page.next_token.has_value();
    options.token = page.next_token.value_or("");
  }
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
  LH_TRY(CheckName(name));
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
  if (auto stored = object::PutWhole(environment_.store, own, KeyOf(name), ToJson(definition), put); !stored) {
    if (stored.error().kind != ErrorKind::kPreconditionFailed) return Fail(std::move(stored).error());
    return Fail(ErrorKind::kConflict, "a vector index named \"{}\" exists", name);
  }
  LH_ASSIGN(auto index, DurableIndex::Open(own, environment_, definition));
  const MutexLock lock(mutex_);
  indexes_.insert_or_assign(Lower(name), Opened{std::move(definition), index});
  return index;
}

Result<std::shared_ptr<DurableIndex>> IndexSet::Find(std::string_view name) const {
  const MutexLock lock(mutex_);
  const auto found = indexes_.find(Lower(name));
  if (found != indexes_.end()) return found->second.index;
  if (!opened_) return Fail(ErrorKind::kUnavailable, "vector indexes are still being read");
  return Fail(ErrorKind::kNotFound, "there is no vector index named \"{}\"", name);
}

Status IndexSet::Drop(const RequestContext& context, std::string_view name) {
  std::string uid;
  std::shared_ptr<DurableIndex> dropped;
  {
    const MutexLock lock(mutex_);
    const auto found = indexes_.find(Lower(name));
    if (found == indexes_.end()) {
      return Fail(ErrorKind::kNotFound, "there is no vector index named \"{}\"", name);
    }
    uid = found->second.definition.uid;
    if (found->second.index) dropped = *found->second.index;
  }
  RequestContext own = context;
  own.internal = true;
  LH_TRY(environment_.store.Delete(own, KeyOf(name)));
  {
    const MutexLock lock(mutex_);
    indexes_.erase(Lower(name));
  }
  if (dropped) dropped->RemoveSegments();
  // The index is gone with its definition; what it leaves behind is only room.
  object::ListOptions options{.prefix = "vectors/" + uid + "/"};
  for (bool more = true; more;) {
    LH_ASSIGN(const auto page, environment_.store.List(own, options));
    for (const auto& object : page.objects) LH_TRY(environment_.store.Delete(own, object.key));
    more = page.next_token.has_value();
    options.token = page.next_token.value_or("");
  }
  return {};
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
