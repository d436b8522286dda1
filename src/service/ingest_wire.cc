#include "service/ingest_wire.h"

#include "base/json_value.h"
#include "service/catalog_json.h"

namespace lakehouse::service {

namespace {

Result<std::vector<WidenedColumn>> ParseWidened(const JsonFields& parent) {
  std::vector<WidenedColumn> widened;
  LH_ASSIGN(const boost::json::array* items, parent.Array("widened"));
  for (const auto& item : *items) {
    LH_ASSIGN(const auto fields, JsonFields::Of(item, "an entry of \"widened\""));
    WidenedColumn column;
    LH_ASSIGN(column.column, fields.String("column"));
    LH_ASSIGN(column.from, fields.String("from"));
    LH_ASSIGN(column.to, fields.String("to"));
    LH_ASSIGN(column.line, fields.Uint("line"));
    widened.push_back(std::move(column));
  }
  return widened;
}

Result<std::chrono::microseconds> ParseSeconds(const JsonFields& fields) {
  const boost::json::value* seconds = fields.Find("seconds");
  if (seconds == nullptr || !seconds->is_number())
    return Fail(ErrorKind::kInvalid, "field \"seconds\" must be a number");
  return std::chrono::microseconds(static_cast<int64_t>(seconds->to_number<double>() * 1e6));
}

}  // namespace

std::string WriteIngestResult(const IngestResult& result) {
  std::string body;
  JsonWriter json(body);
  json.BeginObject().Key("dataset_id").String(result.dataset_id).Key("name").String(result.name);
  json.Key("fingerprint").String(result.fingerprint);
  json.Key("version").Number(result.version.value).Key("seq").Number(result.seq.value);
  json.Key("row_count").Number(result.row_count).Key("rows_added").Number(result.rows_added).Key("columns");
  AppendColumns(json, result.columns);
  json.Key("objects").BeginArray();
  for (const auto& object : result.objects) {
    json.BeginObject().Key("key").String(object.key).Key("size").Number(object.size);
    json.Key("rows").Number(object.rows).EndObject();
  }
  json.EndArray().Key("existing").Bool(result.existing).Key("replayed").Bool(result.replayed);
  json.Key("widened").BeginArray();
  for (const auto& widened : result.widened) {
    json.BeginObject().Key("column").String(widened.column).Key("from").String(widened.from);
    json.Key("to").String(widened.to).Key("line").Number(widened.line).EndObject();
  }
  json.EndArray().Key("source_bytes").Number(result.source_bytes);
  json.Key("seconds").Number(static_cast<double>(result.took.count()) / 1e6).EndObject();
  return body;
}

Result<IngestResult> ParseIngestResult(std::string_view body) {
  LH_ASSIGN(const auto value, ParseJson(body));
  LH_ASSIGN(const auto fields, JsonFields::Of(value, "the answer"));
  IngestResult result;
  LH_ASSIGN(result.dataset_id, fields.String("dataset_id"));
  LH_ASSIGN(result.name, fields.String("name"));
  LH_ASSIGN(result.fingerprint, fields.String("fingerprint"));
  LH_ASSIGN(result.version.value, fields.Uint("version"));
  LH_ASSIGN(result.seq.value, fields.Uint("seq"));
  LH_ASSIGN(result.row_count, fields.Uint("row_count"));
  LH_ASSIGN(result.rows_added, fields.Uint("rows_added"));
  LH_ASSIGN(result.columns, ParseColumns(fields, "columns"));
  LH_ASSIGN(result.objects, ParseObjects(fields));
  LH_ASSIGN(const auto existing, fields.OptionalBool("existing"));
  result.existing = existing.value_or(false);
  LH_ASSIGN(const auto replayed, fields.OptionalBool("replayed"));
  result.replayed = replayed.value_or(false);
  LH_ASSIGN(result.widened, ParseWidened(fields));
  LH_ASSIGN(result.source_bytes, fields.Uint("source_bytes"));
  LH_ASSIGN(result.took, ParseSeconds(fields));
  return result;
}

std::string_view MediaTypeOf(SourceFormat format) {
  switch (format) {
    case SourceFormat::kCsv:
      return "text/csv";
    case SourceFormat::kNdjson:
      return "application/x-ndjson";
    case SourceFormat::kParquet:
      return "application/vnd.apache.parquet";
  }
  return "text/csv";
}

std::string_view EncodingOf(SourceCompression compression) {
  switch (compression) {
    case SourceCompression::kNone:
      return "";
    case SourceCompression::kGzip:
      return "gzip";
    case SourceCompression::kZstd:
      return "zstd";
  }
  return "";
}

}  // namespace lakehouse::service
