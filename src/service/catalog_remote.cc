#include "service/catalog_remote.h"

#include "base/json_value.h"
#include "service/catalog_json.h"

namespace lakehouse::service {
namespace {

std::string ManifestPath(std::string_view name) { return "/catalog/manifest/" + net::PercentEncode(name, false); }

}  // namespace

Result<catalog::RegisterResult> RemoteCatalog::Register(const RequestContext& context,
                                                        const catalog::RegisterRequest& request) {
  LH_ASSIGN(const auto answer, role_.Call(context, "POST", "/catalog/register", RegisterRequestJson(request)));
  return ParseRegisterResult(answer.body);
}

Result<catalog::ManifestPage> RemoteCatalog::List(const RequestContext& context, const catalog::ListRequest& request) {
  std::string path = fmt::format("/catalog/list?limit={}", request.limit);
  if (!request.token.empty()) path += "&token=" + net::PercentEncode(request.token, false);
  LH_ASSIGN(const auto answer, role_.Call(context, "GET", path));
  return ParseManifestPage(answer.body);
}

Result<catalog::Manifest> RemoteCatalog::Get(const RequestContext& context, std::string_view name,
                                             std::optional<DatasetVersion> version) {
  std::string path = ManifestPath(name);
  if (version) path += fmt::format("?version={}", version->value);
  LH_ASSIGN(const auto answer, role_.Call(context, "GET", path));
  LH_ASSIGN(const auto value, ParseJson(answer.body));
  return ParseManifest(value);
}

Status RemoteCatalog::Drop(const RequestContext& context, std::string_view name) {
  LH_TRY(role_.Call(context, "DELETE", ManifestPath(name)));
  return {};
}

Result<std::vector<catalog::Snapshot>> RemoteCatalog::Snapshots(const RequestContext& context, std::string_view name) {
  LH_ASSIGN(const auto answer, role_.Call(context, "GET", ManifestPath(name) + "/snapshots"));
  return ParseSnapshots(answer.body);
}

Status RemoteCatalog::SetPin(const RequestContext& context, std::string_view name, DatasetVersion version,
                             bool pinned) {
  const std::string path = fmt::format("{}/pins/{}", ManifestPath(name), version.value);
  LH_TRY(role_.Call(context, pinned ? "POST" : "DELETE", path));
  return {};
}

Result<Seq> RemoteCatalog::Epoch(const RequestContext& context, std::optional<Seq> since,
                                 std::chrono::milliseconds wait) {
  std::string path = "/catalog/epoch";
  if (since) path += fmt::format("?since={}&wait={}ms", since->value, wait.count());
  LH_ASSIGN(const auto answer, role_.Call(context, "GET", path));
  LH_ASSIGN(const auto value, ParseJson(answer.body));
  LH_ASSIGN(const auto fields, JsonFields::Of(value, "the answer"));
  LH_ASSIGN(const uint64_t seq, fields.Uint("seq"));
  return Seq(seq);
}

Result<catalog::GcReport> RemoteCatalog::Gc(const RequestContext& context, const catalog::GcRequest& request) {
  std::string body;
  JsonWriter json(body);
  json.BeginObject().Key("dry_run").Bool(request.dry_run);
  json.Key("min_age").String(fmt::format("{}s", request.min_age.count())).EndObject();
  LH_ASSIGN(const auto answer, role_.Call(context, "POST", "/catalog/gc", body));
  return ParseGcReport(answer.body);
}

Result<std::optional<catalog::Manifest>> RemoteCatalog::FindSource(const RequestContext& context, std::string_view name,
                                                                   std::string_view source_sha256,
                                                                   catalog::WriteMode mode) {
  const std::string path = fmt::format("{}/sources/{}?mode={}", ManifestPath(name),
                                       net::PercentEncode(source_sha256, false), WriteModeName(mode));
  const auto answer = role_.Call(context, "GET", path);
  if (!answer) {
    if (answer.error().kind == ErrorKind::kNotFound) return std::nullopt;
    return Fail(answer.error());
  }
  LH_ASSIGN(const auto value, ParseJson(answer->body));
  LH_ASSIGN(auto manifest, ParseManifest(value));
  return manifest;
}

}  // namespace lakehouse::service
