#include <algorithm>
#include <array>

#include "config/settings_table_internal.h"
#include "config/units.h"

namespace lakehouse::config {

namespace {

template <auto kSection, auto kField>
auto* At(Settings& settings) {
  return &(settings.*kSection.*kField);
}

template <auto kField>
constexpr auto kServer = &At<&Settings::server, kField>;
template <auto kField>
constexpr auto kGateway = &At<&Settings::gateway, kField>;
template <auto kField>
constexpr auto kStoraged = &At<&Settings::storaged, kField>;
template <auto kField>
constexpr auto kCatalogd = &At<&Settings::catalogd, kField>;
template <auto kField>
constexpr auto kIngestd = &At<&Settings::ingestd, kField>;
template <auto kField>
constexpr auto kQueryd = &At<&Settings::queryd, kField>;
template <auto kField>
constexpr auto kVectord = &At<&Settings::vectord, kField>;
template <auto kField>
constexpr auto kMcp = &At<&Settings::mcp, kField>;
template <auto kField>
constexpr auto kS3 = &At<&Settings::s3, kField>;

constexpr std::string_view kLogLevels[] = {"debug", "info", "warn", "error", "off"};
constexpr std::string_view kLogFormats[] = {"auto", "json", "text"};
constexpr std::string_view kBackends[] = {"local", "s3", "memory"};
constexpr std::string_view kEmbeddingProviders[] = {"none", "hash", "openai"};
constexpr std::string_view kFlagOrAuto[] = {"auto", "true", "false"};

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kSecond = 1000;
constexpr uint64_t kHour = 3600 * kSecond;

using G = GatewaySettings;
using V = VectordSettings;

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
     .kind = Kind::kUrl,
     .default_text = "http://127.0.0.1:3211",
     .target = kGateway<&G::storaged_url>,
     .doc = "Where /v1/storage goes when the gateway runs alone"},
    {.section = "gateway",
     .key = "catalogd_url",
     .kind = Kind::kUrl,
     .default_text = "http://127.0.0.1:3212",
     .target = kGateway<&G::catalogd_url>,
     .doc = "Where /v1/catalog goes when the gateway runs alone"},
    {.section = "gateway",
     .key = "ingestd_url",
     .kind = Kind::kUrl,
     .default_text = "http://127.0.0.1:3213",
     .target = kGateway<&G::ingestd_url>,
     .doc = "Where /v1/ingest goes when the gateway runs alone"},
    {.section = "gateway",
     .key = "queryd_url",
     .kind = Kind::kUrl,
     .default_text = "http://127.0.0.1:3214",
     .target = kGateway<&G::queryd_url>,
     .doc = "Where /v1/sql goes when the gateway runs alone"},
    {.section = "gateway",
     .key = "vectord_url",
     .kind = Kind::kUrl,
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

    {.section = "catalogd",
     .key = "bind",
     .kind = Kind::kBind,
     .default_text = "127.0.0.1:3212",
     .target = kCatalogd<&CatalogdSettings::bind>,
     .doc = "Address of catalogd when it runs alone"},
    {.section = "catalogd",
     .key = "storaged_url",
     .kind = Kind::kUrl,
     .default_text = "http://127.0.0.1:3211",
     .target = kCatalogd<&CatalogdSettings::storaged_url>,
     .doc = "The storaged that catalogd uses when it runs alone"},
    {.section = "catalogd",
     .key = "keep_versions",
     .kind = Kind::kCount,
     .default_text = "100",
     .target = kCatalogd<&CatalogdSettings::keep_versions>,
     .doc = "Versions kept of each dataset; whichever of this and keep_age keeps more",
     .min = 1,
     .max = 1'000'000},
    {.section = "catalogd",
     .key = "keep_age",
     .kind = Kind::kDuration,
     .default_text = "30d",
     .target = kCatalogd<&CatalogdSettings::keep_age>,
     .doc = "Age up to which versions of a dataset are kept"},
    {.section = "catalogd",
     .key = "checkpoint_every",
     .kind = Kind::kCount,
     .default_text = "1000",
     .target = kCatalogd<&CatalogdSettings::checkpoint_every>,
     .doc = "Log objects between two checkpoints of the whole state",
     .min = 1,
     .max = 1'000'000},
    {.section = "catalogd",
     .key = "gc_min_age",
     .kind = Kind::kDuration,
     .default_text = "24h",
     .target = kCatalogd<&CatalogdSettings::gc_min_age>,
     .doc = "Garbage collection never removes what is younger; must exceed the ingest and query timeouts",
     .min = kSecond},
    {.section = "catalogd",
     .key = "gc_every",
     .kind = Kind::kDuration,
     .default_text = "1h",
     .target = kCatalogd<&CatalogdSettings::gc_every>,
     .doc = "How often retention and garbage collection run, give or take a tenth; 0s: only when asked"},

    {.section = "ingestd",
     .key = "bind",
     .kind = Kind::kBind,
     .default_text = "127.0.0.1:3213",
     .target = kIngestd<&IngestdSettings::bind>,
     .doc = "Address of ingestd when it runs alone"},
    {.section = "ingestd",
     .key = "storaged_url",
     .kind = Kind::kUrl,
     .default_text = "http://127.0.0.1:3211",
     .target = kIngestd<&IngestdSettings::storaged_url>,
     .doc = "The storaged that ingestd uses when it runs alone"},
    {.section = "ingestd",
     .key = "catalogd_url",
     .kind = Kind::kUrl,
     .default_text = "http://127.0.0.1:3212",
     .target = kIngestd<&IngestdSettings::catalogd_url>,
     .doc = "The catalogd that ingestd uses when it runs alone"},
    {.section = "ingestd",
     .key = "max_concurrent",
     .kind = Kind::kCount,
     .default_text = "4",
     .target = kIngestd<&IngestdSettings::max_concurrent>,
     .doc = "Ingests at once; the next is answered 503 with Retry-After",
     .min = 1,
     .max = 1024},
    {.section = "ingestd",
     .key = "timeout",
     .kind = Kind::kDuration,
     .default_text = "1h",
     .target = kIngestd<&IngestdSettings::timeout>,
     .doc = "For one ingest, its upload included",
     .min = kSecond},

    {.section = "queryd",
     .key = "bind",
     .kind = Kind::kBind,
     .default_text = "127.0.0.1:3214",
     .target = kQueryd<&QuerydSettings::bind>,
     .doc = "Address of queryd when it runs alone"},
    {.section = "queryd",
     .key = "storaged_url",
     .kind = Kind::kUrl,
     .default_text = "http://127.0.0.1:3211",
     .target = kQueryd<&QuerydSettings::storaged_url>,
     .doc = "The storaged that queryd uses when it runs alone"},
    {.section = "queryd",
     .key = "catalogd_url",
     .kind = Kind::kUrl,
     .default_text = "http://127.0.0.1:3212",
     .target = kQueryd<&QuerydSettings::catalogd_url>,
     .doc = "The catalogd that queryd uses when it runs alone"},
    {.section = "queryd",
     .key = "vectord_url",
     .kind = Kind::kUrl,
     .default_text = "http://127.0.0.1:3215",
     .target = kQueryd<&QuerydSettings::vectord_url>,
     .doc = "The vectord that queryd uses when it runs alone"},
    {.section = "queryd",
     .key = "refresh_every",
     .kind = Kind::kDuration,
     .default_text = "30s",
     .target = kQueryd<&QuerydSettings::refresh_every>,
     .doc = "How often the catalog is asked again while it does not answer",
     .min = 100},
    {.section = "queryd",
     .key = "max_concurrent",
     .kind = Kind::kCores,
     .default_text = "cores",
     .target = kQueryd<&QuerydSettings::max_concurrent>,
     .doc = "Queries that run side by side; more wait",
     .min = 1,
     .max = 1024},
    {.section = "queryd",
     .key = "timeout",
     .kind = Kind::kDuration,
     .default_text = "60s",
     .target = kQueryd<&QuerydSettings::timeout>,
     .doc = "For one query, and the most that a request may ask for",
     .min = 100,
     .max = 24 * kHour},
    {.section = "queryd",
     .key = "queue_timeout",
     .kind = Kind::kDuration,
     .default_text = "10s",
     .target = kQueryd<&QuerydSettings::queue_timeout>,
     .doc = "How long a query waits for its turn; then the answer is 503",
     .max = 24 * kHour},
    {.section = "queryd",
     .key = "memory_limit",
     .kind = Kind::kBytes,
     .default_text = "50%",
     .target = kQueryd<&QuerydSettings::memory_limit>,
     .doc = "Memory of all running queries together",
     .min = 32 * kMiB,
     .share_of = ShareOf::kServerMemory},
    {.section = "queryd",
     .key = "cache_memory",
     .kind = Kind::kBytes,
     .default_text = "10%",
     .target = kQueryd<&QuerydSettings::cache_memory>,
     .doc = "Memory for blocks of objects that queries read",
     .min = kMiB,
     .share_of = ShareOf::kServerMemory},
    {.section = "queryd",
     .key = "cache_disk",
     .kind = Kind::kBytes,
     .default_text = "0B",
     .target = kQueryd<&QuerydSettings::cache_disk>,
     .doc = "Disk for blocks of objects that queries read; 0B: none (worth setting over S3)"},
    {.section = "queryd",
     .key = "spill_limit",
     .kind = Kind::kBytes,
     .default_text = "50%",
     .target = kQueryd<&QuerydSettings::spill_limit>,
     .doc = "Disk that queries larger than memory may spill to; past that the answer is 507",
     .share_of = ShareOf::kServerSpool},

    {.section = "vectord",
     .key = "bind",
     .kind = Kind::kBind,
     .default_text = "127.0.0.1:3215",
     .target = kVectord<&V::bind>,
     .doc = "Address of vectord when it runs alone"},
    {.section = "vectord",
     .key = "storaged_url",
     .kind = Kind::kUrl,
     .default_text = "http://127.0.0.1:3211",
     .target = kVectord<&V::storaged_url>,
     .doc = "The storaged that vectord uses when it runs alone"},
    {.section = "vectord",
     .key = "catalogd_url",
     .kind = Kind::kUrl,
     .default_text = "http://127.0.0.1:3212",
     .target = kVectord<&V::catalogd_url>,
     .doc = "The catalogd that vectord uses when it runs alone"},
    {.section = "vectord",
     .key = "memory_limit",
     .kind = Kind::kBytes,
     .default_text = "25%",
     .target = kVectord<&V::memory_limit>,
     .doc = "Memory of all vector indexes together",
     .min = kMiB,
     .share_of = ShareOf::kServerMemory},
    {.section = "vectord",
     .key = "embedding_provider",
     .kind = Kind::kChoice,
     .default_text = "none",
     .target = kVectord<&V::embedding_provider>,
     .doc = "Who makes vectors of texts: nobody, hashes of the words (for tests and offline), or a service that speaks "
            "OpenAI's /v1/embeddings; its key is the secret EMBEDDING_API_KEY",
     .choices = kEmbeddingProviders},
    {.section = "vectord",
     .key = "embedding_url",
     .kind = Kind::kOptionalUrl,
     .default_text = "",
     .target = kVectord<&V::embedding_url>,
     .doc = "The embedding service of the provider openai, without /v1/embeddings"},
    {.section = "vectord",
     .key = "embedding_model",
     .kind = Kind::kText,
     .default_text = "",
     .target = kVectord<&V::embedding_model>,
     .doc = "The model that the embedding service is asked for"},
    {.section = "vectord",
     .key = "embedding_dimension",
     .kind = Kind::kCount,
     .default_text = "0",
     .target = kVectord<&V::embedding_dimension>,
     .doc = "Dimension that the embedding service is asked for; 0 asks for none",
     .max = 4096},
    {.section = "vectord",
     .key = "embedding_timeout",
     .kind = Kind::kDuration,
     .default_text = "30s",
     .target = kVectord<&V::embedding_timeout>,
     .doc = "How long one request of the embedding service may take",
     .min = 1},
    {.section = "vectord",
     .key = "embedding_cache",
     .kind = Kind::kBytes,
     .default_text = "64MiB",
     .target = kVectord<&V::embedding_cache>,
     .doc = "Memory for the vectors of the texts seen last"},
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

std::span<const SettingSpec> SettingTable() { return kTable; }

const SettingSpec* FindSetting(std::string_view section, std::string_view key) {
  const auto* found = std::find_if(std::begin(kTable), std::end(kTable),
                                   [&](const SettingSpec& spec) { return spec.section == section && spec.key == key; });
  return found == std::end(kTable) ? nullptr : found;
}

bool IsSection(std::string_view section) {
  return std::any_of(std::begin(kTable), std::end(kTable),
                     [&](const SettingSpec& spec) { return spec.section == section; });
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
    case Kind::kUrl:
      return "a URL such as \"http://127.0.0.1:3211\" (http or https, with a host, without user, query or fragment)";
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
