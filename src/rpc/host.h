// What all calls of one server share. Private to rpc/. Made before the server serves, outlives every call; callable
// from any thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "auth/voucher.h"
#include "base/worker_pool.h"
#include "observe/request_id.h"
#include "rpc/server.h"

namespace lakehouse::rpc {

// One method of a service, as calls need it.
struct Method {
  std::string name;   // "Query/Run"
  auth::Scope scope;  // that a caller's key must have
  std::chrono::milliseconds deadline;
  bool in_place;  // see Host::Dispatch
  observe::Counter* ok;
  observe::Histogram* seconds;
};

// How many threads gRPC 1.51 runs callbacks on.
inline int GrpcThreads() { return std::clamp(static_cast<int>(std::thread::hardware_concurrency() / 2), 2, 16); }

class Host {
 public:
  Host(ServerOptions server_options, const Logger& logger, observe::Metrics& registry)
      : options(std::move(server_options)),
        log(logger),
        metrics(registry),
        voucher(options.role_token, SystemClock()),
        places_left(options.search_in_place ? GrpcThreads() - 1 : 0),
        in_flight(registry.GaugeOf("lakehouse_grpc_calls_in_flight", "gRPC calls in flight")),
        pool(
            options.max_calls, std::chrono::seconds(10),
            [&threads = registry.GaugeOf("lakehouse_grpc_worker_threads", "Threads that gRPC calls block on")](
                size_t n) { threads.Set(static_cast<int64_t>(n)); },
            [](std::function<void()>& work, NoScratch&) { work(); }) {}

  // Runs `work` here when the method allows it and a gRPC thread is left besides this one, else on a worker thread;
  // here too where the machine has none to give.
  template <typename Work>
  void Dispatch(const Method& method, Work work) {
    if (!method.in_place || places_left.fetch_sub(1, std::memory_order_acq_rel) <= 0) {
      if (method.in_place) places_left.fetch_add(1, std::memory_order_acq_rel);
      if (const auto left = pool.Submit(std::move(work))) (*left)();
      return;
    }
    work();
    places_left.fetch_add(1, std::memory_order_acq_rel);
  }

  // Runs `work`, which waits for messages, on a worker thread; kUnavailable when the machine has none to give.
  Status OnWorker(std::function<void()> work) {
    if (pool.Submit(std::move(work))) return Fail(ErrorKind::kUnavailable, "the machine has no thread for this call");
    return {};
  }

  // To be called as services are made. The reference stays.
  const Method& AddMethod(std::string name, auth::Scope scope,
                          std::chrono::milliseconds deadline = std::chrono::minutes(1), bool in_place = false);

  const ServerOptions options;
  const Logger& log;
  observe::Metrics& metrics;
  const auth::Voucher voucher;  // of a gateway, where other roles are believed
  observe::RequestIds request_ids;
  std::atomic<int> places_left;  // gRPC threads that may do a call's work themselves
  observe::Gauge& in_flight;
  std::atomic<unsigned> calls{0};    // that hold a worker thread
  std::atomic<unsigned> streams{0};  // that hold none while they wait
  WorkerPool<std::function<void()>> pool;

 private:
  std::vector<std::unique_ptr<Method>> methods_;
};

}  // namespace lakehouse::rpc
