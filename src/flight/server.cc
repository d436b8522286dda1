#include "flight/server.h"

#include "flight/call.h"
#include "flight/listener.h"
#include "flight/state.h"

namespace lakehouse::flight {

struct Server::Impl {
  Impl(const Options& options, const auth::Access& access, const auth::Audit& audit, const Clock& clock,
       const Logger& log, observe::Metrics& metrics)
      : state(options, clock), calls(std::make_shared<CallFactory>(options.max_calls, access, audit, log, metrics)) {}

  State state;
  std::shared_ptr<CallFactory> calls;
  std::unique_ptr<Listener> listener;
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() { Stop(Deadline::After(std::chrono::seconds(0))); }
void Server::Start(Services services) {
  impl_->state.services.emplace(services);
  impl_->calls->Open();
}
const std::string& Server::address() const { return impl_->listener->address(); }
void Server::Stop(Deadline deadline) { impl_->listener->Stop(deadline); }

Result<std::unique_ptr<Server>> Server::Bind(const Options& options, const auth::Access& access,
                                             const auth::Audit& audit, const Clock& clock, const Logger& log,
                                             observe::Metrics& metrics) {
  auto impl = std::make_unique<Impl>(options, access, audit, clock, log, metrics);
  LH_ASSIGN(impl->listener, Listener::Start(impl->state, impl->calls, log));
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

}  // namespace lakehouse::flight
