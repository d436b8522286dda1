#include "catalog/schema_json.h"

#include "base/json.h"
#include "base/json_value.h"

namespace lakehouse::catalog {
namespace {

Result<int32_t> FieldId(const JsonFields& fields) {
  LH_ASSIGN(const uint64_t id, fields.Uint("field_id"));
  if (id > INT32_MAX) return Fail(ErrorKind::kInternal, "a field id is out of range");
  return static_cast<int32_t>(id);
}

}  // namespace

std::string SchemaToJson(const std::vector<Column>& schema) {
  std::string text;
  JsonWriter json(text);
  json.BeginArray();
  for (const Column& column : schema) {
    json.BeginObject().Key("name").String(column.name).Key("type").String(column.type);
    json.Key("nullable").Bool(column.nullable).Key("field_id").Number(column.field_id).EndObject();
  }
  json.EndArray();
  return text;
}

Result<std::vector<Column>> SchemaFromJson(std::string_view text) {
  std::vector<Column> schema;
  LH_ASSIGN(const auto value, ParseJson(text));
  if (!value.is_array()) return Fail(ErrorKind::kInternal, "the schema is no array");
  for (const auto& item : value.get_array()) {
    LH_ASSIGN(const auto fields, JsonFields::Of(item, "a column"));
    Column column;
    LH_ASSIGN(column.name, fields.String("name"));
    LH_ASSIGN(column.type, fields.String("type"));
    LH_ASSIGN(const auto nullable, fields.OptionalBool("nullable"));
    column.nullable = nullable.value_or(true);
    LH_ASSIGN(column.field_id, FieldId(fields));
    schema.push_back(std::move(column));
  }
  return schema;
}

std::string StatsToJson(const std::vector<ColumnStats>& stats) {
  if (stats.empty()) return {};
  std::string text;
  JsonWriter json(text);
  json.BeginArray();
  for (const ColumnStats& column : stats) {
    json.BeginObject().Key("field_id").Number(column.field_id);
    if (column.null_count) json.Key("null_count").Number(*column.null_count);
    if (column.min) json.Key("min").String(*column.min);
    if (column.max) json.Key("max").String(*column.max);
    json.EndObject();
  }
  json.EndArray();
  return text;
}

Result<std::vector<ColumnStats>> StatsFromJson(std::string_view text) {
  std::vector<ColumnStats> stats;
  if (text.empty()) return stats;
  LH_ASSIGN(const auto value, ParseJson(text));
  if (!value.is_array()) return Fail(ErrorKind::kInternal, "the statistics are no array");
  for (const auto& item : value.get_array()) {
    LH_ASSIGN(const auto fields, JsonFields::Of(item, "a column's statistics"));
    ColumnStats column;
    LH_ASSIGN(column.field_id, FieldId(fields));
    LH_ASSIGN(column.null_count, fields.OptionalUint("null_count"));
    LH_ASSIGN(column.min, fields.OptionalString("min"));
    LH_ASSIGN(column.max, fields.OptionalString("max"));
    stats.push_back(std::move(column));
  }
  return stats;
}

}  // namespace lakehouse::catalog
