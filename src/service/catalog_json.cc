#include "service/catalog_json.h"

#include "base/json_value.h"
#include "config/units.h"

namespace lakehouse::service {

namespace json = boost::json;
using catalog::Column;
using catalog::DataObject;
using catalog::Manifest;
using catalog::Snapshot;
using catalog::WriteMode;

namespace {

void AppendStats(JsonWriter& out, const std::vector<catalog::ColumnStats>& stats) {
  out.Key("stats").BeginArray();
  for (const auto& column : stats) {
    out.BeginObject().Key("field_id").Number(column.field_id);
    if (column.null_count) out.Key("null_count").Number(*column.null_count);
    if (column.min) out.Key("min").String(*column.min);
    if (column.max) out.Key("max").String(*column.max);
    out.EndObject();
  }
  out.EndArray();
}

void AppendManifestMembers(JsonWriter& out, const Manifest& manifest) {
  out.Key("dataset_id").String(manifest.dataset_id).Key("name").String(manifest.name);
  out.Key("schema_fingerprint").String(manifest.schema_fingerprint);
  out.Key("schema");
  AppendColumns(out, manifest.schema);
  out.Key("version").Number(manifest.version.value).Key("seq").Number(manifest.seq.value);
  out.Key("row_count").Number(manifest.row_count);
  out.Key("objects");
  AppendObjects(out, manifest.objects);
  out.Key("created_at").String(FormatRfc3339(manifest.created_at));
  out.Key("updated_at").String(FormatRfc3339(manifest.updated_at));
}

Result<WallTime> ParseTime(const JsonFields& fields, std::string_view name) {
  LH_ASSIGN(const std::string text, fields.String(name));
  return ParseRfc3339(text);
}

Result<int32_t> ParseFieldId(const JsonFields& fields) {
  LH_ASSIGN(const auto id, fields.OptionalUint("field_id"));
  if (id && *id > INT32_MAX) return Fail(ErrorKind::kInvalid, "field \"field_id\" is past 2147483647");
  return static_cast<int32_t>(id.value_or(0));
}

Result<std::vector<catalog::ColumnStats>> ParseStats(const JsonFields& object) {
  std::vector<catalog::ColumnStats> stats;
  if (object.Find("stats") == nullptr) return stats;
  LH_ASSIGN(const json::array* items, object.Array("stats"));
  for (const auto& item : *items) {
    LH_ASSIGN(const auto fields, JsonFields::Of(item, "an entry of \"stats\""));
    catalog::ColumnStats column;
    LH_ASSIGN(column.field_id, ParseFieldId(fields));
    LH_ASSIGN(column.null_count, fields.OptionalUint("null_count"));
    LH_ASSIGN(column.min, fields.OptionalString("min"));
    LH_ASSIGN(column.max, fields.OptionalString("max"));
    stats.push_back(std::move(column));
  }
  return stats;
}

Result<Manifest> ParseManifestFields(const JsonFields& fields) {
  Manifest manifest;
  LH_ASSIGN(manifest.dataset_id, fields.String("dataset_id"));
  LH_ASSIGN(manifest.name, fields.String("name"));
  LH_ASSIGN(manifest.schema_fingerprint, fields.String("schema_fingerprint"));
  LH_ASSIGN(manifest.schema, ParseColumns(fields, "schema"));
  LH_ASSIGN(manifest.version.value, fields.Uint("version"));
  LH_ASSIGN(manifest.seq.value, fields.Uint("seq"));
  LH_ASSIGN(manifest.row_count, fields.Uint("row_count"));
  LH_ASSIGN(manifest.objects, ParseObjects(fields));
  LH_ASSIGN(manifest.created_at, ParseTime(fields, "created_at"));
  LH_ASSIGN(manifest.updated_at, ParseTime(fields, "updated_at"));
  return manifest;
}

}  // namespace

Result<std::vector<Column>> ParseColumns(const JsonFields& parent, std::string_view name) {
  std::vector<Column> columns;
  LH_ASSIGN(const json::array* items, parent.Array(name));
  for (size_t i = 0; i < items->size(); ++i) {
    LH_ASSIGN(const auto fields, JsonFields::Of((*items)[i], fmt::format("\"{}\"[{}]", name, i)));
    Column column;
    LH_ASSIGN(column.name, fields.String("name"));
    LH_ASSIGN(column.type, fields.String("type"));
    LH_ASSIGN(const auto nullable, fields.OptionalBool("nullable"));
    column.nullable = nullable.value_or(true);
    LH_ASSIGN(column.field_id, ParseFieldId(fields));
    columns.push_back(std::move(column));
  }
  return columns;
}

Result<std::vector<DataObject>> ParseObjects(const JsonFields& parent) {
  std::vector<DataObject> objects;
  LH_ASSIGN(const json::array* items, parent.Array("objects"));
  for (size_t i = 0; i < items->size(); ++i) {
    LH_ASSIGN(const auto fields, JsonFields::Of((*items)[i], fmt::format("\"objects\"[{}]", i)));
    DataObject object;
    LH_ASSIGN(object.key, fields.String("key"));
    LH_ASSIGN(object.size, fields.Uint("size"));
    LH_ASSIGN(object.rows, fields.Uint("rows"));
    LH_ASSIGN(object.stats, ParseStats(fields));
    objects.push_back(std::move(object));
  }
  return objects;
}

void AppendColumns(JsonWriter& out, const std::vector<Column>& columns) {
  out.BeginArray();
  for (const Column& column : columns) {
    out.BeginObject().Key("name").String(column.name).Key("type").String(column.type);
    out.Key("nullable").Bool(column.nullable);
    if (column.field_id != 0) out.Key("field_id").Number(column.field_id);
    out.EndObject();
  }
  out.EndArray();
}

void AppendObjects(JsonWriter& out, const std::vector<DataObject>& objects) {
  out.BeginArray();
  for (const DataObject& object : objects) {
    out.BeginObject().Key("key").String(object.key).Key("size").Number(object.size).Key("rows").Number(object.rows);
    if (!object.stats.empty()) AppendStats(out, object.stats);
    out.EndObject();
  }
  out.EndArray();
}

void AppendManifest(JsonWriter& out, const Manifest& manifest) {
  out.BeginObject();
  AppendManifestMembers(out, manifest);
  out.EndObject();
}

Result<Manifest> ParseManifest(const json::value& value) {
  LH_ASSIGN(const auto fields, JsonFields::Of(value, "the manifest"));
  return ParseManifestFields(fields);
}

std::string RegisterRequestJson(const catalog::RegisterRequest& request) {
  std::string body;
  JsonWriter out(body);
  out.BeginObject().Key("name").String(request.name).Key("schema_fingerprint").String(request.schema_fingerprint);
  out.Key("schema");
  AppendColumns(out, request.schema);
  out.Key("objects");
  AppendObjects(out, request.objects);
  out.Key("row_count").Number(request.row_count).Key("mode").String(WriteModeName(request.mode));
  if (!request.commit_id.empty()) out.Key("commit_id").String(request.commit_id);
  if (!request.source_sha256.empty()) out.Key("source_sha256").String(request.source_sha256);
  out.Key("allow_duplicate_source").Bool(request.allow_duplicate_source);
  if (request.brief) out.Key("brief").Bool(true);
  out.EndObject();
  return body;
}

Result<catalog::RegisterRequest> ParseRegisterRequest(std::string_view body) {
  LH_ASSIGN(const auto value, ParseJson(body));
  LH_ASSIGN(const auto fields, JsonFields::Of(value, "the request body"));
  catalog::RegisterRequest request;
  LH_ASSIGN(request.name, fields.String("name"));
  LH_ASSIGN(request.schema_fingerprint, fields.String("schema_fingerprint"));
  if (fields.Find("schema") != nullptr) {
    LH_ASSIGN(request.schema, ParseColumns(fields, "schema"));
  }
  if (fields.Find("objects") != nullptr) {
    LH_ASSIGN(request.objects, ParseObjects(fields));
  }
  LH_ASSIGN(const auto rows, fields.OptionalUint("row_count"));
  request.row_count = rows.value_or(0);
  LH_ASSIGN(const auto mode, fields.OptionalString("mode"));
  LH_ASSIGN(request.mode, ParseWriteMode(mode.value_or("replace")));
  LH_ASSIGN(const auto commit_id, fields.OptionalString("commit_id"));
  request.commit_id = commit_id.value_or("");
  LH_ASSIGN(const auto source, fields.OptionalString("source_sha256"));
  request.source_sha256 = source.value_or("");
  LH_ASSIGN(const auto duplicates, fields.OptionalBool("allow_duplicate_source"));
  request.allow_duplicate_source = duplicates.value_or(true);
  LH_ASSIGN(const auto brief, fields.OptionalBool("brief"));
  request.brief = brief.value_or(false);
  return request;
}

std::string RegisterResultJson(const catalog::RegisterResult& result) {
  std::string body;
  JsonWriter out(body);
  out.BeginObject();
  AppendManifestMembers(out, result.manifest);
  out.Key("existing").Bool(result.existing).Key("replayed").Bool(result.replayed).EndObject();
  return body;
}

Result<catalog::RegisterResult> ParseRegisterResult(std::string_view body) {
  LH_ASSIGN(const auto value, ParseJson(body));
  LH_ASSIGN(const auto fields, JsonFields::Of(value, "the answer"));
  catalog::RegisterResult result;
  LH_ASSIGN(result.manifest, ParseManifestFields(fields));
  LH_ASSIGN(const auto existing, fields.OptionalBool("existing"));
  LH_ASSIGN(const auto replayed, fields.OptionalBool("replayed"));
  result.existing = existing.value_or(false);
  result.replayed = replayed.value_or(false);
  return result;
}

std::string ManifestPageJson(const catalog::ManifestPage& page) {
  std::string body;
  JsonWriter out(body);
  out.BeginObject().Key("datasets").BeginArray();
  for (const Manifest& manifest : page.datasets) AppendManifest(out, manifest);
  out.EndArray().Key("next_token");
  if (page.next_token) {
    out.String(*page.next_token);
  } else {
    out.Null();
  }
  out.EndObject();
  return body;
}

Result<catalog::ManifestPage> ParseManifestPage(std::string_view body) {
  LH_ASSIGN(const auto value, ParseJson(body));
  LH_ASSIGN(const auto fields, JsonFields::Of(value, "the answer"));
  LH_ASSIGN(const json::array* items, fields.Array("datasets"));
  catalog::ManifestPage page;
  for (const auto& item : *items) {
    LH_ASSIGN(auto manifest, ParseManifest(item));
    page.datasets.push_back(std::move(manifest));
  }
  LH_ASSIGN(page.next_token, fields.OptionalString("next_token"));
  return page;
}

std::string SnapshotsJson(const std::vector<Snapshot>& snapshots) {
  std::string body;
  JsonWriter out(body);
  out.BeginObject().Key("snapshots").BeginArray();
  for (const Snapshot& snapshot : snapshots) {
    out.BeginObject().Key("version").Number(snapshot.version.value).Key("seq").Number(snapshot.seq.value);
    out.Key("row_count").Number(snapshot.row_count).Key("committed_at").String(FormatRfc3339(snapshot.committed_at));
    out.Key("mode").String(WriteModeName(snapshot.mode)).Key("source_sha256");
    if (snapshot.source_sha256.empty()) {
      out.Null();
    } else {
      out.String(snapshot.source_sha256);
    }
    out.Key("pinned").Bool(snapshot.pinned).EndObject();
  }
  out.EndArray().EndObject();
  return body;
}

Result<std::vector<Snapshot>> ParseSnapshots(std::string_view body) {
  LH_ASSIGN(const auto value, ParseJson(body));
  LH_ASSIGN(const auto fields, JsonFields::Of(value, "the answer"));
  LH_ASSIGN(const json::array* items, fields.Array("snapshots"));
  std::vector<Snapshot> snapshots;
  for (const auto& item : *items) {
    LH_ASSIGN(const auto entry, JsonFields::Of(item, "a snapshot"));
    Snapshot snapshot;
    LH_ASSIGN(snapshot.version.value, entry.Uint("version"));
    LH_ASSIGN(snapshot.seq.value, entry.Uint("seq"));
    LH_ASSIGN(snapshot.row_count, entry.Uint("row_count"));
    LH_ASSIGN(snapshot.committed_at, ParseTime(entry, "committed_at"));
    LH_ASSIGN(const auto mode, entry.String("mode"));
    LH_ASSIGN(snapshot.mode, ParseWriteMode(mode));
    LH_ASSIGN(const auto source, entry.OptionalString("source_sha256"));
    snapshot.source_sha256 = source.value_or("");
    LH_ASSIGN(const auto pinned, entry.OptionalBool("pinned"));
    snapshot.pinned = pinned.value_or(false);
    snapshots.push_back(std::move(snapshot));
  }
  return snapshots;
}

std::string GcReportJson(const catalog::GcReport& report) {
  std::string body;
  JsonWriter out(body);
  out.BeginObject().Key("removed").BeginArray();
  for (const auto& removal : report.removed) {
    out.BeginObject()
        .Key("key")
        .String(removal.key)
        .Key("size")
        .Number(removal.size)
        .Key("why")
        .String(removal.why)
        .EndObject();
  }
  out.EndArray().Key("bytes").Number(report.bytes).EndObject();
  return body;
}

Result<catalog::GcReport> ParseGcReport(std::string_view body) {
  LH_ASSIGN(const auto value, ParseJson(body));
  LH_ASSIGN(const auto fields, JsonFields::Of(value, "the answer"));
  LH_ASSIGN(const json::array* items, fields.Array("removed"));
  catalog::GcReport report;
  for (const auto& item : *items) {
    LH_ASSIGN(const auto entry, JsonFields::Of(item, "a removal"));
    catalog::GcRemoval removal;
    LH_ASSIGN(removal.key, entry.String("key"));
    LH_ASSIGN(removal.size, entry.Uint("size"));
    LH_ASSIGN(removal.why, entry.String("why"));
    report.removed.push_back(std::move(removal));
  }
  LH_ASSIGN(report.bytes, fields.Uint("bytes"));
  return report;
}

Result<catalog::GcRequest> ParseGcRequest(std::string_view body) {
  catalog::GcRequest request;
  if (body.empty()) return request;
  LH_ASSIGN(const auto value, ParseJson(body));
  LH_ASSIGN(const auto fields, JsonFields::Of(value, "the request body"));
  LH_ASSIGN(const auto dry_run, fields.OptionalBool("dry_run"));
  request.dry_run = dry_run.value_or(true);
  LH_ASSIGN(const auto min_age, fields.OptionalString("min_age"));
  if (min_age) {
    auto age = config::ParseDuration(*min_age);
    if (!age) return Fail(std::move(age.error()).In("field \"min_age\""));
    request.min_age = std::chrono::ceil<std::chrono::seconds>(*age);
  }
  return request;
}

std::string_view WriteModeName(WriteMode mode) {
  switch (mode) {
    case WriteMode::kReplace:
      return "replace";
    case WriteMode::kAppend:
      return "append";
    case WriteMode::kCreate:
      return "create";
  }
  return "replace";
}

Result<WriteMode> ParseWriteMode(std::string_view name) {
  if (name == "replace") return WriteMode::kReplace;
  if (name == "append") return WriteMode::kAppend;
  if (name == "create") return WriteMode::kCreate;
  return Fail(ErrorKind::kInvalid, "mode must be \"replace\", \"append\" or \"create\", not \"{}\"", name);
}

}  // namespace lakehouse::service
