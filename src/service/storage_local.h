// service::Storage over an ObjectStore in this process. Callable from any thread. REQUIRES: the store outlives this.
#pragma once

#include "base/mutex.h"
#include "observe/metrics.h"
#include "service/storage.h"

namespace lakehouse::service {

struct StorageLimits {
  uint64_t max_body = uint64_t{256} << 20;  // bytes of one client PUT
  uint32_t put_slots = 4;                   // client PUTs at once; the next is refused
  uint32_t role_put_slots = 16;             // the roles' own PUTs at once; the next waits
  uint32_t max_list_results = 10000;
};

class LocalStorage final : public Storage {
 public:
  LocalStorage(object::ObjectStore& store, StorageLimits limits, observe::Metrics& metrics);

  Result<object::PutResult> Put(const RequestContext& context, std::string_view key, ByteSource& body,
                                const object::PutOptions& options) override;
  Result<std::unique_ptr<object::ObjectReader>> Get(const RequestContext& context, std::string_view key,
                                                    const object::GetOptions& options) override;
  Result<object::ObjectInfo> Head(const RequestContext& context, std::string_view key) override;
  Result<object::ListPage> List(const RequestContext& context, const object::ListOptions& options) override;
  Status Delete(const RequestContext& context, std::string_view key) override;
  Status Ready(const RequestContext& context) override;

 private:
  // A bounded number of PUTs at once, for one kind of caller.
  class Lane {
   public:
    Lane(uint32_t slots, observe::Gauge& in_use) : slots_(slots), in_use_gauge_(in_use) {}
    Status EnterNow();
    Status EnterBefore(const RequestContext& context);
    void Leave();

   private:
    void Took() LH_REQUIRES(mutex_);
    Mutex mutex_;
    CondVar freed_;
    const uint32_t slots_;
    uint32_t in_use_ LH_GUARDED_BY(mutex_) = 0;
    observe::Gauge& in_use_gauge_;
  };

  object::ObjectStore& store_;
  const StorageLimits limits_;
  Lane client_lane_, role_lane_;
  observe::Counter& refused_;
};

}  // namespace lakehouse::service
