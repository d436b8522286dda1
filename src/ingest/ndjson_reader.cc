#include "ingest/ndjson_reader.h"

#include <simdjson.h>

#include <string>

#include "ingest/csv_file.h"

namespace lakehouse::ingest {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr int kMaxDepth = simdjson::DEFAULT_MAX_DEPTH;

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && std::string_view(" \t\r\n").find(text.back()) != std::string_view::npos)
    text.remove_suffix(1);
  return text;
}

std::unexpected<Error> Invalid(simdjson::error_code code) {
  if (code == simdjson::MEMALLOC) return Fail(ErrorKind::kExhausted, "there is no memory to read the line");
  if (code == simdjson::UTF8_ERROR) return Fail(ErrorKind::kInvalid, "invalid UTF-8: expected a file in UTF-8");
  return Fail(ErrorKind::kInvalid, "invalid JSON ({}): expected one JSON object on the line",
              simdjson::error_message(code));
}

// -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?
bool IsNumber(std::string_view text) {
  size_t at = 0;
  const auto digits = [&] {
    const size_t from = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    return at - from;
  };
  const auto take = [&](std::string_view any) {
    const bool found = at < text.size() && any.find(text[at]) != std::string_view::npos;
    at += found ? 1 : 0;
    return found;
  };
  take("-");
  const size_t whole = at;
  const size_t count = digits();
  if (count == 0 || (count > 1 && text[whole] == '0')) return false;
  if (take(".") && digits() == 0) return false;
  if (take("eE")) {
    take("+-");
    if (digits() == 0) return false;
  }
  return at == text.size();
}

// The kind of a value that is neither a string nor nested.
Result<JsonKind> ScalarKind(std::string_view token) {
  if (token == "null") return JsonKind::kNull;
  if (token == "true" || token == "false") return JsonKind::kBoolean;
  if (IsNumber(token)) return JsonKind::kNumber;
  return Fail(ErrorKind::kInvalid,
              "invalid JSON: expected a string, a number, true, false, null, an object or an array");
}

// Reads everything in a value: on-demand parsing looks only at what is asked for.
Status Check(ondemand::value value, int depth) {
  if (depth > kMaxDepth) return Fail(ErrorKind::kInvalid, "more than {} levels of objects and arrays", kMaxDepth);
  const std::string_view token = Trimmed(value.raw_json_token());
  if (token.starts_with('[')) {
    ondemand::array array;
    if (const auto code = value.get_array().get(array)) return Invalid(code);
    for (auto element : array) {
      ondemand::value inner;
      if (const auto code = element.get(inner)) return Invalid(code);
      LH_TRY(Check(inner, depth + 1));
    }
    return {};
  }
  if (token.starts_with('{')) {
    ondemand::object object;
    if (const auto code = value.get_object().get(object)) return Invalid(code);
    for (auto field : object) {
      std::string_view key;
      ondemand::value inner;
      if (const auto code = field.unescaped_key().get(key)) return Invalid(code);
      if (const auto code = field.value().get(inner)) return Invalid(code);
      LH_TRY(Check(inner, depth + 1));
    }
    return {};
  }
  if (token.starts_with('"')) {
    std::string_view text;
    if (const auto code = value.get_string().get(text)) return Invalid(code);
    return {};
  }
  LH_ASSIGN([[maybe_unused]] const JsonKind kind, ScalarKind(token));
  return {};
}

}  // namespace

struct NdjsonReader::Impl {
  std::string_view bytes;
  ondemand::parser parser;
  std::string tail;  // a copy of a line too close to the file's end for the parser to read past it

  Result<JsonValue> Read(ondemand::document& document, ondemand::value value, bool in_file) {
    const std::string_view token = Trimmed(value.raw_json_token());
    JsonValue result{JsonKind::kString, token, in_file};
    if (token.starts_with('"')) {
      if (const auto code = value.get_string().get(result.text)) return Invalid(code);
      // Without escapes the string is what stands between the quotes.
      if (token.size() == result.text.size() + 2) {
        result.text = token.substr(1, result.text.size());
      } else {
        result.in_file = false;
      }
    } else if (token.starts_with('{') || token.starts_with('[')) {
      result.kind = JsonKind::kNested;
      LH_TRY(Check(value, 2));
      const char* end = nullptr;
      if (const auto code = document.current_location().get(end)) return Invalid(code);
      result.text = Trimmed({token.data(), end});
    } else {
      LH_ASSIGN(result.kind, ScalarKind(token));
    }
    if (result.text.size() > kMaxFieldBytes)
      return Fail(ErrorKind::kInvalid, "a value is longer than {} MiB", kMaxFieldBytes >> 20);
    return result;
  }
};

NdjsonReader::NdjsonReader(std::string_view bytes) : impl_(std::make_unique<Impl>()) { impl_->bytes = bytes; }
NdjsonReader::~NdjsonReader() = default;

Status NdjsonReader::ReadLine(size_t begin, size_t end, const OnField& on_field) {
  std::string_view line = impl_->bytes.substr(begin, end - begin);
  const bool in_file = end + simdjson::SIMDJSON_PADDING <= impl_->bytes.size();
  if (!in_file) {
    impl_->tail.assign(line);
    impl_->tail.append(simdjson::SIMDJSON_PADDING, ' ');
    line = std::string_view(impl_->tail).substr(0, line.size());
  }
  ondemand::document document;
  const simdjson::padded_string_view padded(line.data(), line.size(), line.size() + simdjson::SIMDJSON_PADDING);
  if (const auto code = impl_->parser.iterate(padded).get(document)) return Invalid(code);
  ondemand::object object;
  if (const auto code = document.get_object().get(object)) return Invalid(code);
  for (auto field : object) {
    std::string_view key;
    ondemand::value value;
    if (const auto code = field.unescaped_key().get(key)) return Invalid(code);
    if (const auto code = field.value().get(value)) return Invalid(code);
    LH_ASSIGN(const JsonValue read, impl_->Read(document, value, in_file));
    LH_TRY(on_field(key, read));
  }
  // Nothing but the end may follow: there the parser has no place to name.
  const char* rest = nullptr;
  if (document.current_location().get(rest) == simdjson::SUCCESS)
    return Fail(ErrorKind::kInvalid, "more than one JSON value on the line: expected one object");
  return {};
}

}  // namespace lakehouse::ingest
