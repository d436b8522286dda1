#include "rpc/tune.h"

#include <absl/synchronization/mutex.h>
#include <grpc/support/log.h>

#include <cstdlib>

namespace lakehouse::rpc {

void TuneGrpc() {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  if (std::getenv("GRPC_VERBOSITY") == nullptr) gpr_set_log_function([](gpr_log_func_args*) {});
}

}  // namespace lakehouse::rpc
