#include <algorithm>
#include <array>

#include "config/settings_table_internal.h"
#include "config/units.h"

namespace lakehouse::config {

namespace {

template <auto kField>
constexpr auto kServer = &FieldOf<&Settings::server, kField>;
template <auto kField>
constexpr auto kGateway = &FieldOf<&Settings::gateway, kField>;
template <auto kField>
constexpr auto kStoraged = &FieldOf<&Settings::storaged, kField>;
template <auto kField>
constexpr auto kMcp = &FieldOf<&Settings::mcp, kField>;
template <auto kField>
constexpr auto kAuth = &FieldOf<&Settings::auth, kField>;
template <auto kField>
constexpr auto kAudit = &FieldOf<&Settings::audit, kField>;
template <auto kField>
constexpr auto kTls = &FieldOf<&Settings::tls, kField>;
template <auto kField>
constexpr auto kGrpc = &FieldOf<&Settings::grpc, kField>;
template <auto kField>
constexpr auto kFlight = &FieldOf<&Settings::flight, kField>;
template <auto kField>
constexpr auto kS3 = &FieldOf<&Settings::s3, kField>;

constexpr std::string_view kLogLevels[] = {"debug", "info", "warn", "error", "off"};
constexpr std::string_view kLogFormats[] = {"auto", "json", "text"};
constexpr std::string_view kBackends[] = {"local", "s3", "memory"};
constexpr std::string_view kAuditedCalls[] = {"off", "keys", "all"};
constexpr std::string_view kFlagOrAuto[] = {"auto", "true", "false"};

using G = GatewaySettings;

const SettingSpec kTable[] = {
    {.section = "server",
     .key = "data_dir",
     .kind = Kind::kPath,
     .default_text = "lakehouse-data",
     .target = kServer<&ServerSettings::data_dir>,
     .doc = "Folder of the local store, the spool and the caches; each role locks its own folder in it"},
    {.section = "server",
     .key = "drain_timeout",
     .kind = Kind::kDuration,
     .default_text = "10s",
     .target = kServer<&ServerSettings::drain_timeout>,
     .doc = "How long a stopping server lets requests in flight finish"},
    {.section = "server",
     .key = "memory_limit",
     .kind = Kind::kBytes,
     .default_text = "70%",
     .target = kServer<&ServerSettings::memory_limit>,
     .doc = "Memory that this process shares out among its roles",
     .min = 64 * kMiB,
     .share_of = ShareOf::kMemory},
    {.section = "server",
     .key = "spool_limit",
     .kind = Kind::kBytes,
     .default_text = "80%",
     .target = kServer<&ServerSettings::spool_limit>,
     .doc = "Disk that uploads in flight and spilled queries may use together",
     .min = kMiB,
     .share_of = ShareOf::kFreeDisk},
    {.section = "server",
     .key = "io_threads",
     .kind = Kind::kCores,
     .default_text = "cores",
     .target = kServer<&ServerSettings::io_threads>,
     .doc = "Threads that accept connections and read request headers",
     .min = 1,
     .max = 256},
    {.section = "server",
     .key = "max_requests",
     .kind = Kind::kCount,
     .default_text = "512",
     .target = kServer<&ServerSettings::max_requests>,
     .doc = "Requests in flight; past that the answer is 503 with Retry-After",
     .min = 1,
     .max = 65536},
    {.section = "server",
     .key = "log_level",
     .kind = Kind::kChoice,
     .default_text = "info",
     .target = kServer<&ServerSettings::log_level>,
     .doc = "The least level that is logged",
     .choices = kLogLevels},
    {.section = "server",
     .key = "log_format",
     .kind = Kind::kChoice,
     .default_text = "auto",
     .target = kServer<&ServerSettings::log_format>,
     .doc = "JSON lines or text on stderr; auto is text on a terminal",
     .choices = kLogFormats},
    {.section = "server",
     .key = "insecure",
     .kind = Kind::kFlag,
     .default_text = "false",
     .target = kServer<&ServerSettings::insecure>,
     .doc = "Lets an address other than loopback be bound without API keys (the flag --insecure)"},

    {.section = "gateway",
     .key = "bind",
     .kind = Kind::kBind,
     .default_text = "127.0.0.1:3110",
     .target = kGateway<&G::bind>,
     .doc = "Address of the public routes; a port of 0 picks one and logs it"},
    {.section = "gateway",
     .key = "hosts",
     .kind = Kind::kHosts,
     .default_text = "",
     .target = kGateway<&G::hosts>,
     .doc = "Host names that are ours besides loopback names and the bound address; requests for others are 403"},
    {.section = "gateway",
     .key = "storaged_url",
     .kind = Kind::kRoleUrl,
     .default_text = "http://127.0.0.1:3211",
     .target = kGateway<&G::storaged_url>,
     .doc = "Where /v1/storage goes when the gateway runs alone"},
    {.section = "gateway",
     .key = "catalogd_url",
     .kind = Kind::kRoleUrl,
     .default_text = "http://127.0.0.1:3212",
     .target = kGateway<&G::catalogd_url>,
     .doc = "Where /v1/catalog goes when the gateway runs alone"},
    {.section = "gateway",
     .key = "ingestd_url",
     .kind = Kind::kRoleUrl,
     .default_text = "http://127.0.0.1:3213",
     .target = kGateway<&G::ingestd_url>,
     .doc = "Where /v1/ingest goes when the gateway runs alone"},
    {.section = "gateway",
     .key = "queryd_url",
     .kind = Kind::kRoleUrl,
     .default_text = "http://127.0.0.1:3214",
     .target = kGateway<&G::queryd_url>,
     .doc = "Where /v1/sql goes when the gateway runs alone"},
    {.section = "gateway",
     .key = "vectord_url",
     .kind = Kind::kRoleUrl,
     .default_text = "http://127.0.0.1:3215",
     .target = kGateway<&G::vectord_url>,
     .doc = "Where /v1/vectors goes when the gateway runs alone"},

    {.section = "storaged",
     .key = "bind",
     .kind = Kind::kBind,
     .default_text = "127.0.0.1:3211",
     .target = kStoraged<&StoragedSettings::bind>,
     .doc = "Address of storaged when it runs alone"},
    {.section = "storaged",
     .key = "grpc_bind",
     .kind = Kind::kBindOrOff,
     .default_text = "off",
     .target = kStoraged<&StoragedSettings::grpc_bind>,
     .doc = "Address of storaged's gRPC service when it runs alone"},
    {.section = "storaged",
     .key = "backend",
     .kind = Kind::kChoice,
     .default_text = "local",
     .target = kStoraged<&StoragedSettings::backend>,
     .doc = "Where objects live: the data folder, an S3 bucket, or memory (for tests; gone with the process)",
     .choices = kBackends},
    {.section = "storaged",
     .key = "max_body",
     .kind = Kind::kBytes,
     .default_text = "256MiB",
     .target = kStoraged<&StoragedSettings::max_body>,
     .doc = "The largest object that a client may store; more is 413",
     .min = 1024,
     .max = uint64_t{5} << 40},
    {.section = "storaged",
     .key = "put_slots",
     .kind = Kind::kCount,
     .default_text = "4",
     .target = kStoraged<&StoragedSettings::put_slots>,
     .doc = "Client PUTs at once; the next is answered 503 with Retry-After",
     .min = 1,
     .max = 1024},
    {.section = "storaged",
     .key = "max_list_results",
     .kind = Kind::kCount,
     .default_text = "10000",
     .target = kStoraged<&StoragedSettings::max_list_results>,
     .doc = "The most keys on one page of a listing",
     .min = 1,
     .max = 10000},

    {.section = "mcp",
     .key = "allow_writes",
     .kind = Kind::kFlag,
     .default_text = "false",
     .target = kMcp<&McpSettings::allow_writes>,
     .doc = "Gives agents the tool ingest_csv"},
    {.section = "mcp",
     .key = "conformance",
     .kind = Kind::kFlag,
     .default_text = "false",
     .target = kMcp<&McpSettings::conformance>,
     .doc = "Adds the fixtures that the protocol's conformance suite calls; for tests only"},
    {.section = "mcp",
     .key = "max_rows",
     .kind = Kind::kCount,
     .default_text = "200",
     .target = kMcp<&McpSettings::max_rows>,
     .doc = "Rows of one tool's answer; past that it is cut and says how to go on",
     .min = 1,
     .max = 100000},
    {.section = "mcp",
     .key = "max_bytes",
     .kind = Kind::kBytes,
     .default_text = "256KiB",
     .target = kMcp<&McpSettings::max_bytes>,
     .doc = "Bytes of the rows of one tool's answer",
     .min = 1024,
     .max = 64 * kMiB},
    {.section = "mcp",
     .key = "timeout",
     .kind = Kind::kDuration,
     .default_text = "30s",
     .target = kMcp<&McpSettings::timeout>,
     .doc = "The longest that one call of a tool may take",
     .min = kSecond},

    {.section = "auth",
     .key = "refresh_every",
     .kind = Kind::kDuration,
     .default_text = "2s",
     .target = kAuth<&AuthSettings::refresh_every>,
     .doc = "How often the API keys are read from the store: what a revoked key still has, at most",
     .min = 50,
     .max = 30 * kSecond},
    {.section = "auth",
     .key = "rate",
     .kind = Kind::kCount,
     .default_text = "0",
     .target = kAuth<&AuthSettings::rate>,
     .doc = "Calls a second of each API key that was made without a rate; past that 429. 0: no limit",
     .max = 1'000'000},
    {.section = "auth",
     .key = "concurrency",
     .kind = Kind::kCount,
     .default_text = "0",
     .target = kAuth<&AuthSettings::concurrency>,
     .doc = "Calls at once of each API key that was made without such a limit; past that 429. 0: no limit",
     .max = 1'000'000},

    {.section = "audit",
     .key = "calls",
     .kind = Kind::kChoice,
     .default_text = "keys",
     .target = kAudit<&AuditSettings::calls>,
     .doc = "Which calls leave a line in the log: off, keys (those that showed an API key), all",
     .choices = kAuditedCalls},

    {.section = "tls",
     .key = "cert",
     .kind = Kind::kText,
     .default_text = "",
     .target = kTls<&TlsSettings::cert>,
     .doc = "PEM file of the certificate and its chain: every listener speaks TLS then; read again when it changes"},
    {.section = "tls",
     .key = "key",
     .kind = Kind::kText,
     .default_text = "",
     .target = kTls<&TlsSettings::key>,
     .doc = "PEM file of the certificate's private key; refused when everyone on the machine may read it"},
    {.section = "tls",
     .key = "ca_file",
     .kind = Kind::kText,
     .default_text = "",
     .target = kTls<&TlsSettings::ca_file>,
     .doc = "PEM file of the authorities that other roles' certificates come from (https and grpcs upstreams); empty: "
            "the system's"},

    {.section = "grpc",
     .key = "bind",
     .kind = Kind::kBindOrOff,
     .default_text = "127.0.0.1:3217",
     .target = kGrpc<&GrpcSettings::bind>,
     .doc =
         "Address of the gRPC services (docs/grpc.md) in serve and at the gateway; a port of 0 picks one and logs it"},
    {.section = "grpc",
     .key = "max_message",
     .kind = Kind::kBytes,
     .default_text = "64MiB",
     .target = kGrpc<&GrpcSettings::max_message>,
     .doc = "The largest message that a client may send; more is RESOURCE_EXHAUSTED",
     .min = 64 << 10,
     .max = uint64_t{1} << 30},
    {.section = "grpc",
     .key = "max_streams",
     .kind = Kind::kCount,
     .default_text = "10000",
     .target = kGrpc<&GrpcSettings::max_streams>,
     .doc = "Open streams of vector searches and adds; past that UNAVAILABLE",
     .min = 1,
     .max = 1'000'000},

    {.section = "flight",
     .key = "bind",
     .kind = Kind::kBindOrOff,
     .default_text = "127.0.0.1:3216",
     .target = kFlight<&FlightSettings::bind>,
     .doc =
         "Address of Arrow Flight SQL (docs/flight.md) in serve and at the gateway; a port of 0 picks one and logs it"},
    {.section = "flight",
     .key = "stall_timeout",
     .kind = Kind::kDuration,
     .default_text = "30s",
     .target = kFlight<&FlightSettings::stall_timeout>,
     .doc = "A query whose client takes no rows for this long is stopped",
     .min = 100},
    {.section = "flight",
     .key = "ticket_lifetime",
     .kind = Kind::kDuration,
     .default_text = "15m",
     .target = kFlight<&FlightSettings::ticket_lifetime>,
     .doc = "How long the ticket of a flight may be redeemed",
     .min = kSecond},

    {.section = "s3",
     .key = "endpoint",
     .kind = Kind::kOptionalUrl,
     .default_text = "",
     .target = kS3<&S3Settings::endpoint>,
     .doc = "URL of an S3 server; empty: AWS in the region"},
    {.section = "s3",
     .key = "region",
     .kind = Kind::kText,
     .default_text = "us-east-1",
     .target = kS3<&S3Settings::region>,
     .doc = "Region that requests are signed for",
     .min = 1},
    {.section = "s3",
     .key = "bucket",
     .kind = Kind::kText,
     .default_text = "lakehouse-go-primary",
     .target = kS3<&S3Settings::bucket>,
     .doc = "Bucket that holds the lake",
     .min = 1},
    {.section = "s3",
     .key = "prefix",
     .kind = Kind::kText,
     .default_text = "",
     .target = kS3<&S3Settings::prefix>,
     .doc = "Put in front of every key, so that several lakes share a bucket"},
    {.section = "s3",
     .key = "profile",
     .kind = Kind::kText,
     .default_text = "",
     .target = kS3<&S3Settings::profile>,
     .doc = "Profile of the AWS credentials file; empty: AWS_PROFILE, else \"default\""},
    {.section = "s3",
     .key = "path_style",
     .kind = Kind::kFlag,
     .default_text = "auto",
     .target = kS3<&S3Settings::path_style>,
     .doc = "Bucket in the path instead of the host name; auto: true with an endpoint",
     .choices = kFlagOrAuto},
    {.section = "s3",
     .key = "timeout",
     .kind = Kind::kDuration,
     .default_text = "60s",
     .target = kS3<&S3Settings::timeout>,
     .doc = "For one request to the bucket, retries included",
     .min = 100},
};

std::string Bounds(const SettingSpec& spec, std::string (*format)(uint64_t)) {
  if (spec.min > 0 && spec.max < UINT64_MAX) return fmt::format(" from {} to {}", format(spec.min), format(spec.max));
  if (spec.min > 0) return fmt::format(" of at least {}", format(spec.min));
  if (spec.max < UINT64_MAX) return fmt::format(" of at most {}", format(spec.max));
  return "";
}

std::string Plain(uint64_t count) { return std::to_string(count); }
std::string AsDuration(uint64_t milliseconds) { return FormatDuration(std::chrono::milliseconds(milliseconds)); }

std::string_view ShareText(ShareOf share_of) {
  switch (share_of) {
    case ShareOf::kNothing:
      return "";
    case ShareOf::kMemory:
      return ", or a share of this machine's memory such as \"70%\"";
    case ShareOf::kFreeDisk:
      return ", or a share of the free disk such as \"80%\"";
    case ShareOf::kServerMemory:
      return ", or a share of [server] memory_limit such as \"50%\"";
    case ShareOf::kServerSpool:
      return ", or a share of [server] spool_limit such as \"50%\"";
  }
  return "";
}

std::string ChoiceText(std::span<const std::string_view> choices) {
  std::string text = "one of";
  for (size_t i = 0; i < choices.size(); ++i) text += fmt::format("{} \"{}\"", i == 0 ? "" : ",", choices[i]);
  return text;
}

}  // namespace

std::span<const SettingSpec> SettingTable() {
  static const std::vector<SettingSpec> all = [] {
    std::vector<SettingSpec> table(std::begin(kTable), std::end(kTable));
    const auto roles = RoleSettingTable();
    table.insert(table.end(), roles.begin(), roles.end());
    return table;
  }();
  return all;
}

const SettingSpec* FindSetting(std::string_view section, std::string_view key) {
  const auto table = SettingTable();
  const auto found =
      std::ranges::find_if(table, [&](const SettingSpec& spec) { return spec.section == section && spec.key == key; });
  return found == table.end() ? nullptr : &*found;
}

bool IsSection(std::string_view section) {
  return std::ranges::any_of(SettingTable(), [&](const SettingSpec& spec) { return spec.section == section; });
}

std::string VariableName(const SettingSpec& spec) {
  std::string name = fmt::format("LAKEHOUSE_{}_{}", spec.section, spec.key);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return name;
}

std::string Expected(const SettingSpec& spec) {
  switch (spec.kind) {
    case Kind::kText:
      return spec.min > 0 ? "a text that is not empty" : "a text";
    case Kind::kPath:
      return "a path";
    case Kind::kBind:
      return "host:port, such as \"127.0.0.1:3110\" or \"[::1]:3110\"";
    case Kind::kBindOrOff:
      return "host:port, such as \"127.0.0.1:3217\", or \"off\"";
    case Kind::kRoleUrl:
      return "a URL such as \"http://127.0.0.1:3211\" (http or https, with a host, without user, query or fragment) or "
             "\"grpc://127.0.0.1:4211\" (grpc or grpcs, host:port alone)";
    case Kind::kOptionalUrl:
      return "empty, or a URL such as \"http://127.0.0.1:9000\" (http or https, with a host, without user, query or "
             "fragment)";
    case Kind::kChoice:
      return ChoiceText(spec.choices);
    case Kind::kHosts:
      return "an array of host names without ports";
    case Kind::kFlag:
      return spec.choices.empty() ? "true or false" : "true, false or \"auto\"";
    case Kind::kCount:
      return "an integer" + Bounds(spec, Plain);
    case Kind::kCores:
      return "\"cores\", or an integer" + Bounds(spec, Plain);
    case Kind::kBytes:
      return fmt::format("a size such as \"256MiB\"{}{}", Bounds(spec, FormatBytes), ShareText(spec.share_of));
    case Kind::kDuration:
      return "a duration such as \"10s\"" + Bounds(spec, AsDuration);
  }
  return "";
}

}  // namespace lakehouse::config
