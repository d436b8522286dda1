#include "auth/keys.h"

#include <algorithm>

namespace lakehouse::auth {

namespace {

constexpr std::chrono::seconds kListDeadline{10};

// The process's own reading and writing of keys, whoever asked for it: only the role may.
RequestContext AsRole(const RequestContext& context) {
  RequestContext own = context;
  own.internal = true;
  return own;
}

}  // namespace

Keys::Keys(object::ObjectStore& store, Access& access, Options options, const Clock& clock, const Logger& log)
    : store_(store, clock), access_(access), options_(options), clock_(clock), log_(log) {
  thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
}

Keys::~Keys() {
  thread_.request_stop();
  {
    MutexLock lock(mutex_);
    changed_.NotifyAll();
  }
}

Status Keys::Refresh(const RequestContext& context) {
  MutexLock one(refresh_mutex_);
  LH_ASSIGN(const auto records, store_.List(context));
  std::vector<KnownKey> known;
  known.reserve(records.size());
  for (const KeyRecord& record : records) known.push_back(record.key);
  const WallTime now = clock_.Now();
  const auto opens = [now](const KnownKey& key) { return !key.revoked && key.expires_at > now; };
  const auto usable = static_cast<size_t>(std::ranges::count_if(known, opens));
  access_.SetKeys(std::move(known));
  MutexLock lock(mutex_);
  loaded_ = true;
  usable_ = usable;
  reason_.clear();
  changed_.NotifyAll();
  return {};
}

void Keys::Run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    RequestContext context;
    context.internal = true;
    context.deadline = Deadline::After(kListDeadline);
    context.cancelled = stop;
    const Status refreshed = Refresh(context);
    MutexLock lock(mutex_);
    if (!refreshed && !stop.stop_requested() && refreshed.error().detail != reason_) {
      reason_ = refreshed.error().detail;
      log_.Warn("the API keys cannot be read from the store", {{"reason", reason_}});
    }
    // Before the first answer nobody gets in: ask again soon.
    const auto pause =
        loaded_ ? options_.refresh_every : std::min(options_.refresh_every, std::chrono::milliseconds(200));
    const auto until = Deadline::After(pause);
    while (!stop.stop_requested() && !until.HasPassed()) changed_.WaitUntil(mutex_, until.at());
  }
}

Result<size_t> Keys::CountUsable(Deadline deadline) {
  MutexLock lock(mutex_);
  while (!loaded_ && !deadline.HasPassed()) changed_.WaitUntil(mutex_, deadline.at());
  if (!loaded_) return Fail(ErrorKind::kUnavailable, "the API keys have not been read yet: {}", reason_);
  return usable_;
}

Status Keys::Ready() const {
  MutexLock lock(mutex_);
  if (loaded_) return {};
  return Fail(Error{ErrorKind::kUnavailable,
                    fmt::format("the API keys have not been read yet: {}", reason_),
                    std::chrono::seconds(1),
                    {}});
}

Result<CreatedKey> Keys::Create(const RequestContext& context, const KeyRequest& request) {
  LH_ASSIGN(auto created, store_.Create(AsRole(context), request));
  LH_TRY(Refresh(AsRole(context)));
  return created;
}

Result<std::vector<KeyRecord>> Keys::List(const RequestContext& context) { return store_.List(AsRole(context)); }

Status Keys::Revoke(const RequestContext& context, std::string_view id) {
  LH_TRY(store_.Revoke(AsRole(context), id));
  return Refresh(AsRole(context));
}

}  // namespace lakehouse::auth
