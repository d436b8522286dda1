#include "service/query_wire.h"

#include <arrow/buffer.h>
#include <arrow/c/bridge.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/dictionary.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/type.h>

#include <boost/json/serialize.hpp>
#include <cmath>

#include "base/json_value.h"

namespace lakehouse::service {

namespace json = boost::json;

namespace {

constexpr uint64_t kLongestTimeoutMs = 86'400'000;

// A parameter as a JSON value, and the type whose text it is; empty: JSON says it all.
struct WireParameter {
  json::value value;
  std::string type{};
};

// As DuckDB's cast of text to BLOB reads bytes.
std::string BlobText(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() * 4);
  for (const char c : bytes) text.append(fmt::format("\\x{:02X}", static_cast<unsigned char>(c)));
  return text;
}

struct ToWire {
  WireParameter operator()(std::monostate) const { return {nullptr}; }
  WireParameter operator()(bool value) const { return {value}; }
  WireParameter operator()(int64_t value) const { return {value}; }
  WireParameter operator()(double value) const {
    if (std::isfinite(value)) return {value};
    return {json::string(std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf"), "DOUBLE"};
  }
  WireParameter operator()(const std::string& value) const { return {json::string(value)}; }
  WireParameter operator()(const query::JsonText& value) const {
    auto parsed = ParseJson(value.text);
    if (parsed && (parsed->is_array() || parsed->is_object())) return {*std::move(parsed)};
    return {json::string(value.text), "JSON"};
  }
  WireParameter operator()(const query::TypedText& value) const {
    return {value.text ? json::value(json::string(*value.text)) : json::value(nullptr), value.type};
  }
  WireParameter operator()(const query::Blob& value) const { return {json::string(BlobText(value.bytes)), "BLOB"}; }
};

Result<query::Parameter> ToParameter(const json::value& value, size_t position) {
  switch (value.kind()) {
    case json::kind::null:
      return query::Parameter(std::monostate());
    case json::kind::bool_:
      return query::Parameter(value.get_bool());
    case json::kind::int64:
      return query::Parameter(value.get_int64());
    case json::kind::uint64:
      return Fail(ErrorKind::kInvalid, "params[{}] is past the 64-bit integers; pass it as a string and cast it",
                  position);
    case json::kind::double_:
      return query::Parameter(value.get_double());
    case json::kind::string:
      return query::Parameter(std::string(value.get_string()));
    case json::kind::array:
    case json::kind::object:
      return query::Parameter(query::JsonText{json::serialize(value)});
  }
  return Fail(ErrorKind::kInternal, "unknown JSON kind");
}

// "param_types" says of which type a parameter's text is.
Status GiveTypes(const json::array& types, std::vector<query::Parameter>& parameters) {
  if (types.size() > parameters.size()) {
    return Fail(ErrorKind::kInvalid, "field \"param_types\" has {} entries for {} parameters", types.size(),
                parameters.size());
  }
  for (size_t i = 0; i < types.size(); ++i) {
    if (types[i].is_null()) continue;
    if (!types[i].is_string())
      return Fail(ErrorKind::kInvalid, "param_types[{}] must be the name of a type or null", i);
    query::TypedText typed{std::string(types[i].get_string()), std::nullopt};
    if (auto* text = std::get_if<std::string>(&parameters[i])) {
      typed.text = std::move(*text);
    } else if (!std::holds_alternative<std::monostate>(parameters[i])) {
      return Fail(ErrorKind::kInvalid, "params[{}] must be a string or null, since param_types[{}] names its type", i,
                  i);
    }
    parameters[i] = std::move(typed);
  }
  return {};
}

Error ArrowFailure(ErrorKind kind, const arrow::Status& status) {
  return Error{kind, "a schema cannot be passed on: " + status.message(), std::nullopt, {}};
}

Status AppendSchema(ArrowSchema* schema, std::string& out) {
  const auto imported = arrow::ImportSchema(schema);
  if (!imported.ok()) return Fail(ArrowFailure(ErrorKind::kInternal, imported.status()));
  // The caller's keeps what it was: importing takes it away.
  if (const auto kept = arrow::ExportSchema(**imported, schema); !kept.ok())
    return Fail(ArrowFailure(ErrorKind::kInternal, kept));
  const auto bytes = arrow::ipc::SerializeSchema(**imported);
  if (!bytes.ok()) return Fail(ArrowFailure(ErrorKind::kInternal, bytes.status()));
  out.append((*bytes)->ToString());
  return {};
}

Result<query::OwnedArrowSchema> NextSchema(arrow::io::BufferReader& reader, size_t& fields) {
  arrow::ipc::DictionaryMemo memo;
  const auto schema = arrow::ipc::ReadSchema(&reader, &memo);
  if (!schema.ok()) return Fail(ArrowFailure(ErrorKind::kUpstream, schema.status()));
  fields = static_cast<size_t>((*schema)->num_fields());
  query::OwnedArrowSchema owned(new ArrowSchema{});
  if (const auto exported = arrow::ExportSchema(**schema, owned.get()); !exported.ok())
    return Fail(ArrowFailure(ErrorKind::kUpstream, exported));
  return owned;
}

}  // namespace

std::string WriteQuery(const query::QueryRequest& request) {
  json::object body{{"sql", request.sql}};
  if (!request.parameters.empty()) {
    json::array params, types;
    bool is_typed = false;
    for (const query::Parameter& parameter : request.parameters) {
      WireParameter wire = std::visit(ToWire{}, parameter);
      is_typed = is_typed || !wire.type.empty();
      params.push_back(std::move(wire.value));
      types.push_back(wire.type.empty() ? json::value(nullptr) : json::value(json::string(wire.type)));
    }
    body["params"] = std::move(params);
    if (is_typed) body["param_types"] = std::move(types);
  }
  if (request.timeout) body["timeout_ms"] = std::max<int64_t>(request.timeout->count(), 1);
  if (request.at_seq) body["at_seq"] = request.at_seq->value;
  return json::serialize(body);
}

Result<std::vector<query::Parameter>> ParseParameters(const json::value* params) {
  std::vector<query::Parameter> parameters;
  if (params == nullptr) return parameters;
  if (!params->is_array()) return Fail(ErrorKind::kInvalid, "\"params\" must be an array");
  for (const json::value& value : params->get_array()) {
    LH_ASSIGN(auto parameter, ToParameter(value, parameters.size()));
    parameters.push_back(std::move(parameter));
  }
  return parameters;
}

Result<query::QueryRequest> ParseQuery(std::string_view body) {
  LH_ASSIGN(const auto value, ParseJson(body));
  LH_ASSIGN(const auto fields, JsonFields::Of(value, "the request body"));
  query::QueryRequest request;
  LH_ASSIGN(request.sql, fields.String("sql"));
  LH_ASSIGN(request.parameters, ParseParameters(fields.Find("params")));
  if (fields.Find("param_types") != nullptr) {
    LH_ASSIGN(const json::array* types, fields.Array("param_types"));
    LH_TRY(GiveTypes(*types, request.parameters));
  }
  LH_ASSIGN(const auto timeout_ms, fields.OptionalUint("timeout_ms"));
  if (timeout_ms) {
    if (*timeout_ms == 0) return Fail(ErrorKind::kInvalid, "field \"timeout_ms\" must be 1 or more");
    request.timeout = std::chrono::milliseconds(std::min(*timeout_ms, kLongestTimeoutMs));
  }
  LH_ASSIGN(const auto at_seq, fields.OptionalUint("at_seq"));
  if (at_seq) request.at_seq = Seq(*at_seq);
  return request;
}

Result<std::string> WriteShape(const query::StatementShape& shape) {
  std::string bytes;
  LH_TRY(AppendSchema(shape.columns.get(), bytes));
  LH_TRY(AppendSchema(shape.parameters.get(), bytes));
  return bytes;
}

Result<query::StatementShape> ParseShape(std::string_view bytes) {
  arrow::io::BufferReader reader(arrow::Buffer::FromString(std::string(bytes)));
  query::StatementShape shape;
  size_t columns = 0;
  LH_ASSIGN(shape.columns, NextSchema(reader, columns));
  LH_ASSIGN(shape.parameters, NextSchema(reader, shape.parameter_count));
  return shape;
}

}  // namespace lakehouse::service
