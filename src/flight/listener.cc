#include "flight/listener.h"

#include <arrow/flight/server.h>
#include <arrow/flight/server_auth.h>

#include <charconv>
#include <utility>

#include "flight/status.h"

namespace lakehouse::flight {
namespace {

using std::chrono::system_clock;

constexpr std::chrono::milliseconds kLookEvery{1000};
// A listener that was closed may hold its port a moment longer.
constexpr std::chrono::milliseconds kTryAgain{20};
constexpr int kTries = 50;

// Tools ask for a handshake when they have a password; the header that comes with it is what counts (call.cc).
class HeaderAuth final : public arrow::flight::ServerAuthHandler {
 public:
  arrow::Status Authenticate(const arrow::flight::ServerCallContext&, arrow::flight::ServerAuthSender*,
                             arrow::flight::ServerAuthReader*) override {
    return arrow::Status::OK();
  }
  arrow::Status IsValid(const arrow::flight::ServerCallContext&, const std::string&, std::string*) override {
    return arrow::Status::OK();
  }
};

struct Address {
  std::string host;
  int port = 0;
};

Result<Address> ParseAddress(std::string_view bind) {
  const size_t colon = bind.rfind(':');
  Address address;
  if (colon != std::string_view::npos) {
    const std::string_view port = bind.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (error == std::errc() && end == port.data() + port.size() && address.port >= 0 && address.port <= 65535) {
      address.host = bind.substr(0, colon);
      if (address.host.starts_with('[') && address.host.ends_with(']')) {
        address.host = address.host.substr(1, address.host.size() - 2);
      }
      if (!address.host.empty()) return address;
    }
  }
  return Fail(ErrorKind::kInvalid, "[flight] bind is {}, and host:port was expected", bind);
}

}  // namespace

Listener::Listener(State& state, std::shared_ptr<CallFactory> calls, const Logger& log)
    : state_(state), calls_(std::move(calls)), log_(log) {}

Listener::~Listener() { Stop(Deadline::After(std::chrono::seconds(0))); }

Result<std::unique_ptr<Listener>> Listener::Start(State& state, std::shared_ptr<CallFactory> calls, const Logger& log) {
  std::unique_ptr<Listener> listener(new Listener(state, std::move(calls), log));
  LH_TRY(listener->Open());
  return listener;
}

Status Listener::Open() {
  LH_ASSIGN(const Address wanted, ParseAddress(state_.options.bind));
  host_ = wanted.host;
  port_ = wanted.port;
  LH_TRY(Listen());
  port_ = current_->port();
  const bool is_v6 = host_.find(':') != std::string::npos;
  address_ = fmt::format(fmt::runtime(is_v6 ? "[{}]:{}" : "{}:{}"), host_, port_);
  if (state_.options.tls != nullptr) watch_ = std::jthread([this](const std::stop_token& stop) { Watch(stop); });
  return {};
}

Status Listener::Listen() {
  const auto pair = state_.options.tls != nullptr ? state_.options.tls->Current() : nullptr;
  auto location = pair != nullptr ? arrow::flight::Location::ForGrpcTls(host_, port_)
                                  : arrow::flight::Location::ForGrpcTcp(host_, port_);
  LH_ARROW_TRY("[flight] bind", arrow::Status(location.status()));
  arrow::flight::FlightServerOptions options(*location);
  options.auth_handler = std::make_shared<HeaderAuth>();
  options.middleware.emplace_back(CallFactory::kKey, calls_);
  if (pair != nullptr) options.tls_certificates.push_back({pair->certificate, pair->key});
  auto handler = std::make_shared<Handler>(state_);
  if (const arrow::Status started = handler->Init(options); !started.ok()) {
    return Fail(ErrorKind::kUnavailable,
                "cannot listen on {} for Arrow Flight ([flight] bind): another program may use the port{}",
                state_.options.bind, pair != nullptr ? ", or the certificate cannot be used" : "");
  }
  current_ = std::move(handler);
  shown_ = pair;
  return {};
}

void Listener::Watch(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    {
      const MutexLock lock(mutex_);
      const Deadline next = Deadline::After(kLookEvery);
      while (!stop.stop_requested() && !next.HasPassed()) wake_.WaitUntil(mutex_, next.at());
    }
    if (!stop.stop_requested() && (current_ == nullptr || state_.options.tls->Current() != shown_)) Renew();
  }
}

void Listener::Renew() {
  if (auto old = std::move(current_); old != nullptr) {
    std::jthread end([old] {
      const auto until = system_clock::now() + kRetirement;
      (void)old->Shutdown(&until);
    });
    retired_.push_back({std::move(old), std::move(end)});
  }
  Status listening;
  for (int i = 0; i < kTries; ++i) {
    listening = Listen();
    if (listening) {
      log_.Info("listening for Arrow Flight SQL with the new certificate", {{"address", address_}});
      return;
    }
    std::this_thread::sleep_for(kTryAgain);
  }
  log_.Error("Arrow Flight SQL is not served at the moment; trying on", {{"reason", listening.error().detail}});
}

// Arrow waits for running calls after its deadline too, so those that send rows are ended then.
void Listener::Stop(Deadline deadline) {
  if (std::exchange(stopped_, true)) return;
  watch_.request_stop();
  {
    const MutexLock lock(mutex_);
    wake_.NotifyAll();
  }
  if (watch_.joinable()) watch_.join();
  std::jthread ending([this, deadline](const std::stop_token& over) {
    const MutexLock lock(mutex_);
    while (!over.stop_requested() && !deadline.HasPassed()) wake_.WaitUntil(mutex_, deadline.at());
    if (!over.stop_requested()) state_.active.EndAll();
  });
  const auto until = system_clock::now() + deadline.Remaining();
  if (current_ != nullptr) (void)current_->Shutdown(&until);
  retired_.clear();
  ending.request_stop();
  {
    const MutexLock lock(mutex_);
    wake_.NotifyAll();
  }
}

}  // namespace lakehouse::flight
