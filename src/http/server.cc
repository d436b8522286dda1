#include "http/server.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "base/mutex.h"
#include "http/server_loop.h"

namespace lakehouse::http {

namespace {

constexpr std::chrono::milliseconds kThreadIdle{10000};

struct HostPort {
  std::string host;
  uint16_t port;
};

Result<HostPort> ParseBind(const std::string& bind) {
  const size_t colon = bind.rfind(':');
  std::string host = bind.substr(0, colon);
  if (colon == std::string::npos || host.empty()) return Fail(ErrorKind::kInvalid, "'{}' is not host:port", bind);
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  uint16_t port = 0;
  const char* const end = bind.data() + bind.size();
  const auto parsed = std::from_chars(bind.data() + colon + 1, end, port);
  if (parsed.ec != std::errc() || parsed.ptr != end)
    return Fail(ErrorKind::kInvalid, "'{}' does not end in a port", bind);
  return HostPort{host, port};
}

std::string WhyNot(int error_number) {
  switch (error_number) {
    case EADDRINUSE:
      return "the port is in use; is another lakehouse running?";
    case EACCES:
      return "not allowed; ports below 1024 need more rights";
    case EADDRNOTAVAIL:
      return "this machine has no such address";
    default:
      return std::strerror(error_number);
  }
}

Result<FileDescriptor> Listen(const ServerOptions& options) {
  const auto fail = [&](std::string_view why) {
    return Fail(ErrorKind::kInvalid, "{} cannot listen on {}: {}", options.service, options.bind, why);
  };
  Result<HostPort> bind_to = ParseBind(options.bind);
  if (!bind_to) return fail(bind_to.error().detail);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (getaddrinfo(bind_to->host.c_str(), std::to_string(bind_to->port).c_str(), &hints, &found) != 0 ||
      found == nullptr) {
    return fail("the host has no address");
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(found, freeaddrinfo);
  // A name with addresses of both kinds means the IPv4 one here: what it is for other programs, and what our own
  // defaults say (localhost is 127.0.0.1).
  const addrinfo* chosen = found;
  while (chosen != nullptr && chosen->ai_family != AF_INET) chosen = chosen->ai_next;
  if (chosen == nullptr) chosen = found;
  FileDescriptor listener(socket(chosen->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (!listener.valid() || bind(listener.get(), chosen->ai_addr, chosen->ai_addrlen) != 0 ||
      listen(listener.get(), SOMAXCONN) != 0) {
    return fail(WhyNot(errno));
  }
  return listener;
}

// host:port as a client would write it, with the port that the system picked.
std::string AddressOf(int listener) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  char host[NI_MAXHOST] = {};
  char port[NI_MAXSERV] = {};
  getnameinfo(reinterpret_cast<sockaddr*>(&address), size, host, sizeof host, port, sizeof port,
              NI_NUMERICHOST | NI_NUMERICSERV);
  return address.ss_family == AF_INET6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

class SocketServer final : public Server {
 public:
  SocketServer(ServerOptions options, const Logger& log, observe::Metrics& metrics, FileDescriptor listener,
               std::unique_ptr<TlsSessions> tls)
      : core_(std::move(options), log, metrics), listener_(std::move(listener)), address_(AddressOf(listener_.get())) {
    core_.tls = std::move(tls);
  }

  ~SocketServer() override { Stop(Deadline::After(std::chrono::nanoseconds(0))); }

  std::string address() const override { return address_; }

  void Start(Router router) override {
    core_.router = std::move(router);
    MakeMetrics();
    pool_ = std::make_unique<HandlerPool>(
        core_.options.max_handlers, kThreadIdle,
        [&threads = *core_.metrics.handler_threads](size_t n) { threads.Set(static_cast<int64_t>(n)); },
        [](Connection*& connection, Scratch& scratch) { connection->loop->Serve(*connection, scratch); });
    for (unsigned i = 0; i < std::max(1u, core_.options.io_threads); ++i) {
      loops_.push_back(std::make_unique<Loop>(core_, listener_.get()));
    }
    for (const auto& loop : loops_) loop->Start(*pool_);
  }

  void Stop(Deadline drain) override {
    core_.stopping.store(true, std::memory_order_release);
    // Refuses new connections from here on; an open listener would let them wait for nobody.
    shutdown(listener_.get(), SHUT_RDWR);
    for (const auto& loop : loops_) loop->Wake();
    WaitForConnections(drain);
    for (const auto& loop : loops_) loop->BreakAll();
    for (const auto& loop : loops_) loop->Join();
    pool_.reset();
    loops_.clear();
    listener_.Reset();
  }

 private:
  void MakeMetrics();
  RouteMetrics MetricsOf(std::string_view method, std::string_view pattern);

  // The loops look at their connections every 10 ms while the server stops; so does this.
  void WaitForConnections(Deadline drain) {
    Mutex mutex;
    CondVar never;
    MutexLock lock(mutex);
    for (;;) {
      size_t left = 0;
      for (const auto& loop : loops_) left += loop->connections();
      if (left == 0 || drain.HasPassed()) return;
      never.WaitUntil(mutex, std::chrono::steady_clock::now() + std::chrono::milliseconds(5));
    }
  }

  ServerCore core_;
  FileDescriptor listener_;
  const std::string address_;
  std::unique_ptr<HandlerPool> pool_;
  std::vector<std::unique_ptr<Loop>> loops_;
};

RouteMetrics SocketServer::MetricsOf(std::string_view method, std::string_view pattern) {
  observe::Metrics& registry = core_.metrics_registry;
  const std::string service = core_.options.service;
  RouteMetrics metrics;
  for (int status_class = 2; status_class <= 5; ++status_class) {
    metrics.by_class[status_class] =
        &registry.CounterOf("lakehouse_http_requests_total", "Requests answered, by route and class of status.",
                            {{"service", service},
                             {"method", std::string(method)},
                             {"route", std::string(pattern)},
                             {"status", fmt::format("{}xx", status_class)}});
  }
  metrics.seconds = &registry.HistogramOf(
      "lakehouse_http_request_seconds", "Time from the end of a request's head to the end of its answer.",
      {{"service", service}, {"method", std::string(method)}, {"route", std::string(pattern)}});
  return metrics;
}

void SocketServer::MakeMetrics() {
  observe::Metrics& registry = core_.metrics_registry;
  const observe::Labels labels = {{"service", core_.options.service}};
  ServerMetrics& metrics = core_.metrics;
  metrics.bytes_in =
      &registry.CounterOf("lakehouse_http_received_bytes_total", "Bytes of requests, heads included.", labels);
  metrics.bytes_out =
      &registry.CounterOf("lakehouse_http_sent_bytes_total", "Bytes of answers, heads included.", labels);
  metrics.in_flight = &registry.GaugeOf("lakehouse_http_requests_in_flight", "Requests being answered.", labels);
  metrics.connections = &registry.GaugeOf("lakehouse_http_connections", "Open client connections.", labels);
  metrics.handler_threads =
      &registry.GaugeOf("lakehouse_http_handler_threads", "Threads that run blocking handlers.", labels);
  metrics.refused =
      &registry.CounterOf("lakehouse_http_connections_refused_total", "Connections past the limit.", labels);
  metrics.no_route = MetricsOf("", "");
  core_.router.ForEachRoute(
      [&](const Route& route) { metrics.routes[&route] = MetricsOf(route.method, route.pattern); });
}

}  // namespace

Result<std::unique_ptr<Server>> Server::Bind(ServerOptions options, const Logger& log, observe::Metrics& metrics) {
  std::unique_ptr<TlsSessions> tls;
  if (options.tls != nullptr) {
    LH_ASSIGN(tls, TlsSessions::Over(options.tls, log));
  }
  LH_ASSIGN(FileDescriptor listener, Listen(options));
  return std::make_unique<SocketServer>(std::move(options), log, metrics, std::move(listener), std::move(tls));
}

}  // namespace lakehouse::http
