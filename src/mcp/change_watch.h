// Tells clients that datasets and vector indexes came, went or changed. Follows the catalog's epoch while anybody
// listens, and looks at the indexes' versions as often as it waits for that, every two seconds. Thread-safe.
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
#include "service/vectors.h"

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
  // `catalog` nullptr: nothing is ever told; `vectors` nullptr: nothing of indexes. REQUIRES: all outlive this.
  ChangeWatch(service::Catalog* catalog, service::Vectors* vectors, Sessions& sessions)
      : catalog_(catalog), vectors_(vectors), sessions_(sessions) {}
  ~ChangeWatch() { Stop(); }

  // Begins to follow the catalog, the first time.
  void Start() LH_EXCLUDES(mutex_);
  void Add(std::shared_ptr<Listener> listener) LH_EXCLUDES(mutex_);
  void Remove(const std::shared_ptr<Listener>& listener) LH_EXCLUDES(mutex_);
  void Stop() LH_EXCLUDES(mutex_);

 private:
  using Versions = std::map<std::string, uint64_t>;  // by resource address
  // What clients know of; nullopt: not looked at yet.
  struct Seen {
    std::optional<Seq> seq;
    std::optional<Versions> datasets, indexes;
  };
  void Run(const std::stop_token& stop);
  Status Look(const std::stop_token& stop, Seen& seen);
  Result<Versions> ReadDatasets(const RequestContext& context);
  Result<Versions> ReadIndexes(const RequestContext& context);
  void TellAndKeep(std::optional<Versions>& known, Versions now);
  void Tell(const Versions& before, const Versions& now) LH_EXCLUDES(mutex_);

  service::Catalog* const catalog_;
  service::Vectors* const vectors_;
  Sessions& sessions_;
  Mutex mutex_;
  std::vector<std::shared_ptr<Listener>> listeners_ LH_GUARDED_BY(mutex_);
  bool stopped_ LH_GUARDED_BY(mutex_) = false;
  std::jthread thread_ LH_GUARDED_BY(mutex_);
};

}  // namespace lakehouse::mcp
