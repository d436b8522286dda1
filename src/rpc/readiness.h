// Tells grpc.health.v1 what is ready: asks each service now and then, often until it is. Private to rpc/. The
// destructor stops and waits.
#pragma once

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "base/request_context.h"

namespace lakehouse::rpc {

class Readiness {
 public:
  struct Watched {
    std::string name;  // "lakehouse.v1.Query"
    std::function<Status(const RequestContext&)> ready;
  };
  // `tell` gets every service's name and state, and those of "" (all of them), from one thread; nobody tells otherwise.
  using Tell = std::function<void(const std::string& name, bool serving)>;
  Readiness(std::vector<Watched> watched, Tell tell);
  ~Readiness();
  Readiness(const Readiness&) = delete;
  Readiness& operator=(const Readiness&) = delete;

 private:
  bool TellAll(const std::stop_token& stop);
  void Run(const std::stop_token& stop);

  const std::vector<Watched> watched_;
  const Tell tell_;
  Mutex mutex_;
  CondVar wake_;
  std::jthread thread_;
};

}  // namespace lakehouse::rpc
