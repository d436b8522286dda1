// The gRPC listener: lakehouse.v1's services over the service interfaces, grpc.health.v1 and server reflection.
//
// Threads: gRPC's own threads (two, on two cores) read, parse and write; a call's work blocks on one of at most
// `max_calls` worker threads, with deadlines. A stream of searches or adds holds a thread only while a message of it is
// worked on, so that many open streams cost memory alone (docs/decisions/0009-grpc-callback-api.md).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "auth/access.h"
#include "auth/audit.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "net/tls_files.h"
#include "observe/metrics.h"
#include "service/catalog.h"
#include "service/ingest.h"
#include "service/query.h"
#include "service/storage.h"
#include "service/vector_load.h"
#include "service/vectors.h"

namespace lakehouse::rpc {

// What is served; nullptr: not here. REQUIRES: all outlive the server.
struct Services {
  service::Storage* storage = nullptr;
  service::Catalog* catalog = nullptr;
  service::Ingest* ingest = nullptr;
  service::Query* query = nullptr;
  service::Vectors* vectors = nullptr;
  service::VectorLoads* loads = nullptr;  // of the vectors
};

struct ServerOptions {
  std::string bind = "127.0.0.1:0";
  std::string service = "gateway";                // name in messages
  unsigned max_calls = 512;                       // calls in flight; past that UNAVAILABLE with RetryInfo
  unsigned max_streams = 10000;                   // open streams of searches and adds; likewise
  uint64_t max_message_bytes = 64 << 20;          // of one message; more is RESOURCE_EXHAUSTED
  uint64_t memory_bytes = uint64_t{1} << 30;      // of messages on their way; then gRPC reads no more
  std::chrono::milliseconds body_timeout{30000};  // without a message from, or room at, a client that is waited for
  // Searches mostly compute: one may run on a gRPC thread itself, as long as another of those is left to read and
  // write.
  bool search_in_place = true;
  // Who may call, and what is written down about it. nullptr: everyone may do everything, and nothing is.
  const auth::Access* access = nullptr;
  const auth::Audit* audit = nullptr;
  // What other roles show in x-lakehouse-role-token; a call that has it is internal. Empty: none is.
  std::string role_token{};
  // What is shown to clients that must speak TLS; nullptr: no TLS.
  std::shared_ptr<net::TlsFiles> tls{};
};

class Server {
 public:
  // Looks whether the address can be bound; kInvalid with one clear line when it cannot.
  static Result<std::unique_ptr<Server>> Bind(ServerOptions options, const Logger& log, observe::Metrics& metrics);
  virtual ~Server() = default;
  // Binds and serves. Errors as Bind's.
  virtual Status Start(const Services& services) = 0;
  virtual std::string address() const = 0;  // host:port, with the port that was picked
  // Stops accepting, lets calls in flight finish until the deadline, then cancels them. Blocks.
  virtual void Stop(Deadline drain) = 0;
};

}  // namespace lakehouse::rpc
