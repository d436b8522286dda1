// Every setting, typed. The table in settings.cc declares each once: key, type, default, unit, doc line; the toml
// reader, the environment overrides, `lakehouse config --print` and docs/settings.md all come from it. Value type.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/result.h"

namespace lakehouse::config {

struct ServerSettings {
  std::filesystem::path data_dir;
  std::chrono::milliseconds drain_timeout;
  uint64_t memory_limit;  // bytes
  uint64_t spool_limit;   // bytes
  uint64_t io_threads;
  uint64_t max_requests;
  LogLevel log_level;
  LogFormat log_format;
  bool insecure;  // an address other than loopback may be bound without API keys
};
struct GatewaySettings {
  std::string bind;
  std::vector<std::string> hosts;
  std::string storaged_url, catalogd_url, ingestd_url, queryd_url, vectord_url;
};
struct StoragedSettings {
  std::string bind, grpc_bind;
  std::string backend;  // local, s3, memory
  uint64_t max_body;    // bytes
  uint64_t put_slots;
  uint64_t max_list_results;
};
struct CatalogdSettings {
  std::string bind, grpc_bind, storaged_url;
  uint64_t keep_versions;
  std::chrono::seconds keep_age;
  uint64_t checkpoint_every;  // log objects
  std::chrono::seconds gc_min_age;
  std::chrono::milliseconds gc_every;  // 0: only when asked
};
struct IngestdSettings {
  std::string bind, grpc_bind, storaged_url, catalogd_url;
  uint64_t max_concurrent;
  std::chrono::milliseconds timeout;
};
struct QuerydSettings {
  std::string bind, grpc_bind, storaged_url, catalogd_url, vectord_url;
  std::chrono::milliseconds refresh_every;
  uint64_t max_concurrent;
  std::chrono::milliseconds timeout, queue_timeout;
  uint64_t memory_limit, cache_memory, cache_disk, spill_limit;  // bytes
};
struct VectordSettings {
  std::string bind, grpc_bind, storaged_url, catalogd_url;
  uint64_t memory_limit;  // bytes
  std::string embedding_provider, embedding_url, embedding_model;
  uint64_t embedding_dimension;  // 0: the model's own
  std::chrono::milliseconds embedding_timeout;
  uint64_t embedding_cache;  // bytes
};
struct McpSettings {
  bool allow_writes, conformance;
  uint64_t max_rows, max_bytes;  // of one call's answer
  std::chrono::milliseconds timeout;
};
struct AuthSettings {
  std::chrono::milliseconds refresh_every;
  uint64_t rate;         // calls a second of a key that says none; 0: no limit
  uint64_t concurrency;  // calls at once, likewise
};
struct AuditSettings {
  std::string calls;  // off, keys, all
};
struct TlsSettings {
  std::string cert, key;  // paths; both empty: no TLS
  std::string ca_file;    // path; empty: the system's
};
struct GrpcSettings {
  std::string bind;      // or "off"
  uint64_t max_message;  // bytes
  uint64_t max_streams;
};
struct FlightSettings {
  std::string bind;  // host:port, or off
  std::chrono::milliseconds stall_timeout, ticket_lifetime;
};
struct S3Settings {
  std::string endpoint, region, bucket, prefix, profile;
  bool path_style;
  std::chrono::milliseconds timeout;
};

struct Settings {
  ServerSettings server;
  GatewaySettings gateway;
  StoragedSettings storaged;
  CatalogdSettings catalogd;
  IngestdSettings ingestd;
  QuerydSettings queryd;
  VectordSettings vectord;
  McpSettings mcp;
  AuthSettings auth;
  AuditSettings audit;
  TlsSettings tls;
  GrpcSettings grpc;
  FlightSettings flight;
  S3Settings s3;
};

// Where a value came from: "default", "lakehouse.toml:12", "LAKEHOUSE_SERVER_DATA_DIR".
struct SettingValue {
  std::string section, key, value, default_text, unit, doc, origin;
};

struct LoadedSettings {
  Settings settings;
  std::vector<SettingValue> values;   // all of them, in table order
  std::vector<std::string> warnings;  // e.g. a --config path that does not exist
};

// The environment as it is read. `names` lists the variables that are set, so that a misspelt one can be told.
class Environment {
 public:
  using Lookup = std::function<std::optional<std::string>(std::string_view name)>;
  template <typename F>
    requires std::is_invocable_r_v<std::optional<std::string>, F, std::string_view>
  Environment(F lookup,
              std::vector<std::string> names = {})  // NOLINT(google-explicit-constructor): reads like a function
      : lookup_(std::move(lookup)), names_(std::move(names)) {}
  // nullopt for a variable that is not set.
  std::optional<std::string> operator()(std::string_view name) const { return lookup_(name); }
  const std::vector<std::string>& names() const { return names_; }

 private:
  Lookup lookup_;
  std::vector<std::string> names_;
};
Environment ProcessEnvironment();
Environment EnvironmentOf(std::map<std::string, std::string, std::less<>> variables);

// One value given on the command line; wins over file and environment. `origin` is how messages name it ("--bind").
struct Override {
  std::string section, key, value, origin;
};

// `path` absent: ./lakehouse.toml when it exists. kInvalid naming file, line and key for an unknown key or section, a
// wrong type or a value out of range; for the environment the variable's name. An unknown LAKEHOUSE_<SECTION>_<KEY> is
// an error too.
Result<LoadedSettings> Load(const std::optional<std::filesystem::path>& path, const Environment& environment,
                            const std::vector<Override>& overrides = {});

// docs/settings.md, made from the table.
std::string SettingsMarkdown();

}  // namespace lakehouse::config
