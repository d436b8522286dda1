#include "service/storage_local.h"

#include "object/key.h"

namespace lakehouse::service {
namespace {

constexpr std::chrono::seconds kPutRetryAfter{5};

Status CheckReadable(const RequestContext& context, std::string_view key) {
  LH_TRY(object::CheckKey(key));
  if (!context.internal && object::IsPrivateKey(key)) {
    return Fail(ErrorKind::kForbidden, "keys under {} are the lakehouse's own: nobody reads or writes them here",
                object::kPrivateKeyPrefix);
  }
  return {};
}

Status CheckWritable(const RequestContext& context, std::string_view key) {
  LH_TRY(CheckReadable(context, key));
  if (!context.internal && object::IsReservedKey(key)) {
    return Fail(ErrorKind::kForbidden,
                "keys under catalog/, datasets/ and vectors/ belong to the lakehouse: read them, "
                "but ingest or drop datasets to change them");
  }
  return {};
}

void HidePrivate(object::ListPage& page) {
  std::erase_if(page.objects, [](const object::ObjectInfo& info) { return object::IsPrivateKey(info.key); });
  std::erase_if(page.prefixes, [](const std::string& prefix) { return object::IsPrivateKey(prefix); });
}

template <typename Leave>
class OnExit {
 public:
  explicit OnExit(Leave leave) : leave_(std::move(leave)) {}
  ~OnExit() { leave_(); }
  OnExit(const OnExit&) = delete;
  OnExit& operator=(const OnExit&) = delete;

 private:
  Leave leave_;
};

}  // namespace

LocalStorage::LocalStorage(object::ObjectStore& store, StorageLimits limits, observe::Metrics& metrics)
    : store_(store),
      limits_(limits),
      client_lane_(limits.put_slots,
                   metrics.GaugeOf("lakehouse_storage_puts_in_flight", "PUTs that hold a slot", {{"lane", "client"}})),
      role_lane_(limits.role_put_slots,
                 metrics.GaugeOf("lakehouse_storage_puts_in_flight", "PUTs that hold a slot", {{"lane", "role"}})),
      refused_(metrics.CounterOf("lakehouse_storage_puts_refused_total",
                                 "Client PUTs answered 503 because every slot was taken")) {}

void LocalStorage::Lane::Took() {
  ++in_use_;
  in_use_gauge_.Set(in_use_);
}

Status LocalStorage::Lane::EnterNow() {
  MutexLock lock(mutex_);
  if (in_use_ >= slots_) {
    Error error{ErrorKind::kUnavailable,
                fmt::format("all {} upload slots are taken; try again shortly", slots_),
                kPutRetryAfter,
                {}};
    return Fail(std::move(error));
  }
  Took();
  return {};
}

Status LocalStorage::Lane::EnterBefore(const RequestContext& context) {
  MutexLock lock(mutex_);
  while (in_use_ >= slots_) {
    LH_TRY(context.Check("waiting for an upload slot"));
    freed_.WaitUntil(mutex_, context.deadline.Sooner(Deadline::After(std::chrono::seconds(1))).at());
  }
  Took();
  return {};
}

void LocalStorage::Lane::Leave() {
  MutexLock lock(mutex_);
  --in_use_;
  in_use_gauge_.Set(in_use_);
  freed_.NotifyOne();
}

Result<object::PutResult> LocalStorage::Put(const RequestContext& context, std::string_view key, ByteSource& body,
                                            const object::PutOptions& options) {
  LH_TRY(CheckWritable(context, key));
  if (options.size && *options.size > limits_.max_body) {
    return Fail(ErrorKind::kTooLarge, "the body of {} bytes is larger than the limit of {} bytes ([storaged] max_body)",
                *options.size, limits_.max_body);
  }
  Lane& lane = context.internal ? role_lane_ : client_lane_;
  const Status entered = context.internal ? lane.EnterBefore(context) : lane.EnterNow();
  if (!entered) {
    if (!context.internal) refused_.Add();
    return Fail(entered.error());
  }
  const OnExit leave([&lane] { lane.Leave(); });
  object::PutOptions bounded = options;
  bounded.max_size = limits_.max_body;
  return store_.Put(context, key, body, bounded);
}

Result<std::unique_ptr<object::ObjectReader>> LocalStorage::Get(const RequestContext& context, std::string_view key,
                                                                const object::GetOptions& options) {
  LH_TRY(CheckReadable(context, key));
  return store_.Get(context, key, options);
}

Result<object::ObjectInfo> LocalStorage::Head(const RequestContext& context, std::string_view key) {
  LH_TRY(CheckReadable(context, key));
  return store_.Head(context, key);
}

Result<object::ListPage> LocalStorage::List(const RequestContext& context, const object::ListOptions& options) {
  object::ListOptions bounded = options;
  bounded.limit = std::min(options.limit, limits_.max_list_results);
  LH_ASSIGN(object::ListPage page, store_.List(context, bounded));
  if (context.internal) return page;
  HidePrivate(page);
  // A page that was all private says nothing; the next one may.
  while (page.objects.empty() && page.prefixes.empty() && page.next_token) {
    bounded.token = *page.next_token;
    LH_ASSIGN(page, store_.List(context, bounded));
    HidePrivate(page);
  }
  return page;
}

Status LocalStorage::Delete(const RequestContext& context, std::string_view key) {
  LH_TRY(CheckWritable(context, key));
  return store_.Delete(context, key);
}

Status LocalStorage::Ready(const RequestContext& context) {
  // Any answer about a key that nobody writes shows that the store is reachable and lets us in.
  const auto info = store_.Head(context, "lakehouse-readiness-probe");
  if (info || info.error().kind == ErrorKind::kNotFound) return {};
  return Fail(ErrorKind::kUnavailable, "the object store does not answer: {}", info.error().detail);
}

}  // namespace lakehouse::service
