// Objects in this process's memory, for tests and for trying things out. Nothing survives the process.
#pragma once

#include <map>

#include "base/mutex.h"
#include "object/object_store.h"

namespace lakehouse::object {

class MemoryStore final : public ObjectStore {
 public:
  // REQUIRES: the clock outlives the store.
  explicit MemoryStore(const Clock& clock = SystemClock()) : clock_(clock) {}

  Result<PutResult> Put(const RequestContext& context, std::string_view key, ByteSource& body,
                        const PutOptions& options) override;
  Result<std::unique_ptr<ObjectReader>> Get(const RequestContext& context, std::string_view key,
                                            const GetOptions& options) override;
  Result<ObjectInfo> Head(const RequestContext& context, std::string_view key) override;
  Result<ListPage> List(const RequestContext& context, const ListOptions& options) override;
  Status Delete(const RequestContext& context, std::string_view key) override;
  Status Check(const RequestContext& context) override;
  bool HonoursConditionalPut() const override { return true; }
  Result<WallTime> Now(const RequestContext& context) override;

 private:
  struct Stored {
    ObjectInfo info;
    std::shared_ptr<const std::string> bytes;
  };
  Result<Stored> Find(const RequestContext& context, std::string_view key) const;

  const Clock& clock_;
  mutable SharedMutex mutex_;
  std::map<std::string, Stored, std::less<>> objects_ LH_GUARDED_BY(mutex_);
};

}  // namespace lakehouse::object
