#include "mcp/change_watch.h"

#include "mcp/resources.h"

namespace lakehouse::mcp {

namespace json = boost::json;

namespace {

constexpr size_t kMaxDatasets = 10000;
constexpr std::chrono::seconds kWait{2};
constexpr std::chrono::seconds kPatience{10};
constexpr std::chrono::seconds kAfterError{1};

RequestContext Internal(const std::stop_token& stop) {
  RequestContext context;
  context.internal = true;
  context.deadline = Deadline::After(kPatience);
  context.cancelled = stop;
  return context;
}

}  // namespace

void ChangeWatch::Start() {
  const MutexLock lock(mutex_);
  if (stopped_ || catalog_ == nullptr || thread_.joinable()) return;
  thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
}

void ChangeWatch::Add(std::shared_ptr<Listener> listener) {
  const MutexLock lock(mutex_);
  if (stopped_) listener->stream.Close();
  listeners_.push_back(std::move(listener));
}

void ChangeWatch::Remove(const std::shared_ptr<Listener>& listener) {
  const MutexLock lock(mutex_);
  std::erase(listeners_, listener);
}

void ChangeWatch::Stop() {
  std::jthread thread;
  {
    const MutexLock lock(mutex_);
    stopped_ = true;
    for (const auto& listener : listeners_) listener->stream.Close();
    thread.swap(thread_);
  }
  // Ends and joins outside the lock.
  thread.request_stop();
}

Result<ChangeWatch::Versions> ChangeWatch::ReadDatasets(const RequestContext& context) {
  Versions versions;
  catalog::ListRequest request;
  while (versions.size() < kMaxDatasets) {
    LH_ASSIGN(const auto page, catalog_->List(context, request));
    for (const auto& manifest : page.datasets) {
      versions.emplace(std::string(kDatasetPrefix) + manifest.name, manifest.version.value);
    }
    if (!page.next_token) break;
    request.token = *page.next_token;
  }
  return versions;
}

Result<ChangeWatch::Versions> ChangeWatch::ReadIndexes(const RequestContext& context) {
  Versions versions;
  if (vectors_ == nullptr) return versions;
  LH_ASSIGN(const auto infos, vectors_->List(context));
  for (const auto& info : infos) versions.emplace(std::string(kIndexPrefix) + info.name, info.version);
  return versions;
}

void ChangeWatch::Run(const std::stop_token& stop) {
  Seen seen;
  Mutex pause_mutex;
  CondVar pause;
  const std::stop_callback wake(stop, [&] {
    const MutexLock lock(pause_mutex);
    pause.NotifyAll();
  });
  while (!stop.stop_requested()) {
    if (Look(stop, seen)) continue;
    const MutexLock lock(pause_mutex);
    if (!stop.stop_requested()) pause.WaitUntil(pause_mutex, std::chrono::steady_clock::now() + kAfterError);
  }
}

// Waits for the lake to change, or for a while, and tells what has changed.
Status ChangeWatch::Look(const std::stop_token& stop, Seen& seen) {
  LH_ASSIGN(const Seq seq, catalog_->Epoch(Internal(stop), seen.seq, kWait));
  if (seq != seen.seq) {
    LH_ASSIGN(auto datasets, ReadDatasets(Internal(stop)));
    TellAndKeep(seen.datasets, std::move(datasets));
    seen.seq = seq;
  }
  // Indexes that cannot be read now are told of once they can.
  if (auto indexes = ReadIndexes(Internal(stop))) TellAndKeep(seen.indexes, std::move(*indexes));
  return {};
}

void ChangeWatch::TellAndKeep(std::optional<Versions>& known, Versions now) {
  if (known) Tell(*known, now);
  known = std::move(now);
}

void ChangeWatch::Tell(const Versions& before, const Versions& now) {
  bool list_changed = before.size() != now.size();
  std::vector<std::string> updated;
  for (const auto& [uri, version] : now) {
    const auto old = before.find(uri);
    if (old == before.end()) {
      list_changed = true;
    } else if (old->second != version) {
      updated.push_back(uri);
    }
  }
  for (const auto& [uri, version] : before) {
    if (!now.contains(uri)) updated.push_back(uri);
  }
  constexpr std::string_view kListChanged = "notifications/resources/list_changed";
  constexpr std::string_view kUpdated = "notifications/resources/updated";
  for (const auto& session : sessions_.All()) {
    if (list_changed) session->messages().Append(NotificationMessage(kListChanged, {}));
    for (const std::string& uri : updated) {
      if (session->IsSubscribed(uri)) session->messages().Append(NotificationMessage(kUpdated, {{"uri", uri}}));
    }
  }
  const MutexLock lock(mutex_);
  for (const auto& listener : listeners_) {
    const json::object meta{{kMetaSubscription, listener->id}};
    if (list_changed && listener->list_changed) {
      listener->stream.Append(NotificationMessage(kListChanged, {{"_meta", meta}}));
    }
    for (const std::string& uri : updated) {
      if (!listener->uris.contains(uri)) continue;
      listener->stream.Append(NotificationMessage(kUpdated, {{"_meta", meta}, {"uri", uri}}));
    }
  }
}

}  // namespace lakehouse::mcp
