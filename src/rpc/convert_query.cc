#include "rpc/convert_query.h"

#include "rpc/convert.h"

namespace lakehouse::rpc {
namespace {

Result<query::Parameter> ToParameter(const v1::Parameter& parameter, int position) {
  switch (parameter.value_case()) {
    case v1::Parameter::kNullValue:
      return query::Parameter(std::monostate());
    case v1::Parameter::kBoolValue:
      return query::Parameter(parameter.bool_value());
    case v1::Parameter::kIntValue:
      return query::Parameter(parameter.int_value());
    case v1::Parameter::kDoubleValue:
      return query::Parameter(parameter.double_value());
    case v1::Parameter::kStringValue:
      return query::Parameter(parameter.string_value());
    case v1::Parameter::kJsonValue:
      return query::Parameter(query::JsonText{parameter.json_value()});
    case v1::Parameter::kTypedValue: {
      const auto& typed = parameter.typed_value();
      return query::Parameter(
          query::TypedText{typed.type(), typed.has_text() ? std::optional(typed.text()) : std::nullopt});
    }
    case v1::Parameter::kBytesValue:
      return query::Parameter(query::Blob{parameter.bytes_value()});
    case v1::Parameter::VALUE_NOT_SET:
      break;
  }
  return BadField(fmt::format("parameters[{}]", position), "parameters[{}] has no value", position);
}

}  // namespace

Result<query::QueryRequest> FromProto(const v1::RunRequest& request) {
  query::QueryRequest query;
  query.sql = request.sql();
  for (int i = 0; i < request.parameters_size(); ++i) {
    LH_ASSIGN(auto parameter, ToParameter(request.parameters(i), i));
    query.parameters.push_back(std::move(parameter));
  }
  if (request.has_timeout()) {
    LH_ASSIGN(query.timeout, DurationOf(request.timeout(), "timeout"));
    if (query.timeout->count() == 0) return BadField("timeout", "timeout must be longer than nothing");
  }
  if (request.has_at_seq()) query.at_seq = Seq(request.at_seq());
  return query;
}

namespace {

struct ParameterToProto {
  v1::Parameter& out;
  void operator()(std::monostate) const { out.set_null_value(google::protobuf::NULL_VALUE); }
  void operator()(bool value) const { out.set_bool_value(value); }
  void operator()(int64_t value) const { out.set_int_value(value); }
  void operator()(double value) const { out.set_double_value(value); }
  void operator()(const std::string& value) const { out.set_string_value(value); }
  void operator()(const query::JsonText& value) const { out.set_json_value(value.text); }
  void operator()(const query::TypedText& value) const {
    out.mutable_typed_value()->set_type(value.type);
    if (value.text) out.mutable_typed_value()->set_text(*value.text);
  }
  void operator()(const query::Blob& value) const { out.set_bytes_value(value.bytes); }
};

}  // namespace

void ToProto(const query::QueryRequest& request, v1::RunRequest& out) {
  out.set_sql(request.sql);
  for (const auto& parameter : request.parameters) std::visit(ParameterToProto{*out.add_parameters()}, parameter);
  if (request.timeout) SetDuration(std::max(*request.timeout, std::chrono::milliseconds(1)), out.mutable_timeout());
  if (request.at_seq) out.set_at_seq(request.at_seq->value);
}

Result<query::ResultFormat> FromProto(v1::ResultFormat format) {
  switch (format) {
    case v1::RESULT_FORMAT_UNSPECIFIED:
    case v1::RESULT_FORMAT_JSON:
      return query::ResultFormat::kJson;
    case v1::RESULT_FORMAT_NDJSON:
      return query::ResultFormat::kNdjson;
    case v1::RESULT_FORMAT_CSV:
      return query::ResultFormat::kCsv;
    case v1::RESULT_FORMAT_ARROW_STREAM:
      return query::ResultFormat::kArrowStream;
    case v1::RESULT_FORMAT_PARQUET:
      return query::ResultFormat::kParquet;
    default:
      return BadField("format", "format {} is not one of ResultFormat", static_cast<int>(format));
  }
}

v1::ResultFormat ToProto(query::ResultFormat format) {
  switch (format) {
    case query::ResultFormat::kJson:
      return v1::RESULT_FORMAT_JSON;
    case query::ResultFormat::kNdjson:
      return v1::RESULT_FORMAT_NDJSON;
    case query::ResultFormat::kCsv:
      return v1::RESULT_FORMAT_CSV;
    case query::ResultFormat::kArrowStream:
      return v1::RESULT_FORMAT_ARROW_STREAM;
    case query::ResultFormat::kParquet:
      return v1::RESULT_FORMAT_PARQUET;
  }
  return v1::RESULT_FORMAT_UNSPECIFIED;
}

}  // namespace lakehouse::rpc
