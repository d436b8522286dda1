// All indexes of a lake by name: made, opened at the start, dropped, looked after.
//
// Definitions are objects vectors/indexes/<name in lower case>.json; a conditional PUT makes names unique without
// regard to case. Thread-safe. REQUIRES: what the environment refers to outlives the set.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "vector/durable_index.h"

namespace lakehouse::vector {

class IndexSet {
 public:
  explicit IndexSet(VectorEnvironment environment);
  ~IndexSet();
  IndexSet(const IndexSet&) = delete;
  IndexSet& operator=(const IndexSet&) = delete;

  // kUnavailable until every index there is has been opened, which begins by itself and is tried until it succeeds. One
  // that cannot be opened costs itself alone: Find says what is wrong with it.
  Status Ready() const LH_EXCLUDES(mutex_);

  // kConflict when the name is taken; kInvalid for a bad name or option.
  Result<std::shared_ptr<DurableIndex>> Create(const RequestContext& context, std::string_view name,
                                               const IndexOptions& options) LH_EXCLUDES(mutex_);
  // kNotFound, or why the index could not be opened; kUnavailable before Ready.
  Result<std::shared_ptr<DurableIndex>> Find(std::string_view name) const LH_EXCLUDES(mutex_);
  Status Drop(const RequestContext& context, std::string_view name) LH_EXCLUDES(mutex_);
  // See DurableIndex::Rebuild. kInvalid for bad options, kExhausted past the memory limit.
  Status Rebuild(const RequestContext& context, std::string_view name, const RebuildOptions& options)
      LH_EXCLUDES(mutex_);
  std::vector<std::shared_ptr<DurableIndex>> All() const LH_EXCLUDES(mutex_);
  uint64_t bytes() const LH_EXCLUDES(mutex_);
  // kExhausted when the indexes together would hold more than the limit with `more` bytes.
  Status CheckMemory(uint64_t more = 0) const LH_EXCLUDES(mutex_);

 private:
  struct Opened {
    IndexDefinition definition;
    Result<std::shared_ptr<DurableIndex>> index;
  };
  Status OpenAll(const RequestContext& context) LH_EXCLUDES(mutex_);
  Status OpenOne(const RequestContext& context, const std::string& key);
  void PutAside(DurableIndex& index) LH_EXCLUDES(mutex_);
  void OpenAgain(const RequestContext& context) LH_EXCLUDES(mutex_);
  void LookAfter(const std::stop_token& stop);

  const VectorEnvironment environment_;
  mutable Mutex mutex_;
  std::map<std::string, Opened, std::less<>> indexes_ LH_GUARDED_BY(mutex_);  // by name in lower case
  bool opened_ LH_GUARDED_BY(mutex_) = false;
  std::string trouble_ LH_GUARDED_BY(mutex_);  // why the last try to open failed
  CondVar stopping_;
  std::jthread caretaker_;
};

}  // namespace lakehouse::vector
