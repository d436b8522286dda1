// Tells clients that datasets came, went or changed. Follows the catalog's epoch while anybody listens. Thread-safe.
#pragma once

#include <boost/json/object.hpp>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "mcp/event_stream.h"
#include "mcp/session.h"
#include "service/catalog.h"

namespace lakehouse::mcp {

// What one subscriptions/listen wants, and where it goes.
struct Listener {
  explicit Listener(boost::json::value subscription) : id(std::move(subscription)), stream(0) {}
  const boost::json::value id;
  bool list_changed = false;
  std::set<std::string> uris{};
  EventStream stream;
};

class ChangeWatch {
 public:
  // `catalog` nullptr: nothing is ever told. REQUIRES: catalog and sessions outlive this.
  ChangeWatch(service::Catalog* catalog, Sessions& sessions) : catalog_(catalog), sessions_(sessions) {}
  ~ChangeWatch() { Stop(); }

  // Begins to follow the catalog, the first time.
  void Start() LH_EXCLUDES(mutex_);
  void Add(std::shared_ptr<Listener> listener) LH_EXCLUDES(mutex_);
  void Remove(const std::shared_ptr<Listener>& listener) LH_EXCLUDES(mutex_);
  void Stop() LH_EXCLUDES(mutex_);

 private:
  using Versions = std::map<std::string, uint64_t>;
  void Run(const std::stop_token& stop);
  Result<Versions> ReadVersions(const RequestContext& context);
  void Tell(const Versions& before, const Versions& now) LH_EXCLUDES(mutex_);

  service::Catalog* const catalog_;
  Sessions& sessions_;
  Mutex mutex_;
  std::vector<std::shared_ptr<Listener>> listeners_ LH_GUARDED_BY(mutex_);
  bool stopped_ LH_GUARDED_BY(mutex_) = false;
  std::jthread thread_ LH_GUARDED_BY(mutex_);
};

}  // namespace lakehouse::mcp
