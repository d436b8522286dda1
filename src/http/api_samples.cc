#include "http/api_samples.h"

#include <algorithm>

namespace lakehouse::http {

namespace {

constexpr std::string_view kInitialize =
    R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},)"
    R"("clientInfo":{"name":"sample","version":"1"}}})";
constexpr std::string_view kRegister =
    R"({"name":"registered","schema_fingerprint":"f0","schema":[{"name":"id","type":"BIGINT"}],)"
    R"("objects":[],"row_count":0})";

constexpr ApiSample kSamples[] = {
    {"POST", "/v1/ingest", "name=trips mode=replace", "id,zip,fare\n1,00501,2.5\n2,00544,7.25\n"},
    {"POST", "/v1/sql", {}, R"({"sql":"SELECT zip, fare FROM trips WHERE fare > ?","params":[5]})"},
    {"POST", "/v1/sql/describe", {}, R"({"sql":"SELECT zip, fare FROM trips WHERE fare > ?"})"},
    {"POST", "/v1/catalog/register", {}, kRegister},
    {"GET", "/v1/catalog/list", "limit=10"},
    {"GET", "/v1/catalog/manifest/{name}", "name=trips version=1"},
    {"GET", "/v1/catalog/manifest/{name}/snapshots", "name=trips"},
    {"GET", "/v1/catalog/manifest/{name}/sources/{sha256}",
     "name=trips sha256=c6708d6a46a3ff0cf05ce21b0b2bed64e7fdaabe155143846c4491e1028f6080 mode=replace"},
    {"POST", "/v1/catalog/manifest/{name}/pins/{version}", "name=trips version=1"},
    {"DELETE", "/v1/catalog/manifest/{name}/pins/{version}", "name=trips version=1"},
    {"GET", "/v1/catalog/epoch", "wait=1s since=0"},
    {"POST", "/v1/catalog/gc", {}, R"({"dry_run":true,"min_age":"24h"})"},
    {"PUT", "/v1/storage/objects/{key}", "key=notes/hello.txt", "hello"},
    {"GET", "/v1/storage/objects", "prefix=notes/ limit=10"},
    {"HEAD", "/v1/storage/objects/{key}", "key=notes/hello.txt"},
    {"GET", "/v1/storage/objects/{key}", "key=notes/hello.txt Range=bytes=0-3"},
    {"DELETE", "/v1/storage/objects/{key}", "key=notes/hello.txt"},
    {"POST", "/v1/vectors/index", {}, R"({"name":"pets","dimension":2,"metric":"l2"})"},
    {"POST", "/v1/vectors/index/{name}/add", "name=pets",
     R"({"items":[{"id":"cat","vector":[0,1],"metadata":{"legs":4}},{"id":"bird","vector":[1,0]}]})"},
    {"POST", "/v1/vectors/index/{name}/search", "name=pets", R"({"vector":[0,0.9],"k":1,"include":["metadata"]})"},
    {"POST", "/v1/vectors/index/{name}/rebuild", "name=pets", R"({"m":24})"},
    {"GET", "/v1/vectors/index/{name}", "name=pets"},
    {"GET", "/v1/vectors/index/{name}/items", "name=pets vector=true metadata=true"},
    {"GET", "/v1/vectors/index/{name}/items/{id}", "name=pets id=cat"},
    {"DELETE", "/v1/vectors/index/{name}/items/{id}", "name=pets id=cat"},
    {"DELETE", "/v1/vectors/index/{name}", "name=pets"},
    {"DELETE", "/v1/catalog/manifest/{name}", "name=trips"},
    {"POST", "/v1/keys", {}, R"({"name":"dashboard","scope":"read","rate":50,"expires":"90d"})"},
    {"DELETE", "/v1/keys/{id}", "id=0123456789ab"},
    {"POST", "/mcp", "MCP-Protocol-Version=2025-11-25", kInitialize},
    {"GET", "/mcp", "Mcp-Session-Id=0123456789abcdef0123456789abcdef"},
    {"DELETE", "/mcp", "Mcp-Session-Id=0123456789abcdef0123456789abcdef"},
};

}  // namespace

const ApiSample* SampleOf(std::string_view method, std::string_view path) {
  const auto* const found = std::ranges::find_if(
      kSamples, [&](const ApiSample& sample) { return sample.method == method && sample.path == path; });
  return found == std::end(kSamples) ? nullptr : found;
}

}  // namespace lakehouse::http
