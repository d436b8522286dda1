#include "query/errors.h"

namespace lakehouse::query {
namespace {

void ReplaceAll(std::string& text, const std::string& what, std::string_view by) {
  if (what.empty()) return;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
}

// Replaces what stands between `from` (included) and `to`, or the end.
void ReplaceBetween(std::string& text, std::string_view from, std::string_view to, std::string_view by) {
  const size_t begin = text.find(from);
  if (begin == std::string::npos) return;
  const size_t end = text.find(to, begin + from.size());
  text.replace(begin, (end == std::string::npos ? text.size() : end) - begin, by);
}

// DuckDB's hints at functions and extensions that nobody can have here.
void ReplaceHints(std::string& text) {
  ReplaceBetween(text, "\nDid you mean \"main.", "\n", "\nIt reaches outside the lake and is not available here.");
  ReplaceBetween(text, "\n\nPlease try installing", "\n\nLINE ", "\n\nIt is not available here.");
}

ErrorKind KindOf(duckdb::ExceptionType type) {
  switch (type) {
    case duckdb::ExceptionType::INTERRUPT:
      return ErrorKind::kCancelled;
    case duckdb::ExceptionType::OUT_OF_MEMORY:
    case duckdb::ExceptionType::OBJECT_SIZE:
      return ErrorKind::kExhausted;
    case duckdb::ExceptionType::INTERNAL:
    case duckdb::ExceptionType::FATAL:
    case duckdb::ExceptionType::NULL_POINTER:
    case duckdb::ExceptionType::UNKNOWN_TYPE:
    case duckdb::ExceptionType::STAT:
    case duckdb::ExceptionType::SCHEDULER:
    case duckdb::ExceptionType::EXECUTOR:
    case duckdb::ExceptionType::INDEX:
    case duckdb::ExceptionType::OPTIMIZER:
    case duckdb::ExceptionType::PLANNER:
    case duckdb::ExceptionType::TRANSACTION:
    case duckdb::ExceptionType::CONNECTION:
    case duckdb::ExceptionType::SERIALIZATION:
      return ErrorKind::kInternal;
    case duckdb::ExceptionType::IO:
    case duckdb::ExceptionType::NETWORK:
    case duckdb::ExceptionType::HTTP:
      return ErrorKind::kUpstream;
    default:
      return ErrorKind::kInvalid;
  }
}

}  // namespace

Error FromDuckDb(duckdb::ErrorData error, const std::string& sql, const std::string& spill_folder) {
  Error ours{KindOf(error.Type()), "", std::nullopt, {}};
  if (const auto found = error.ExtraInfo().find("position"); found != error.ExtraInfo().end()) {
    ours.members.emplace_back("position", found->second);
  }
  // Puts the line and a caret into the message, and forgets the position.
  error.AddErrorLocation(sql);
  ours.detail = error.Message();
  if (ours.kind == ErrorKind::kUpstream && ours.detail.find("No space left on device") != std::string::npos) {
    ours.kind = ErrorKind::kExhausted;
  }
  if (ours.kind == ErrorKind::kExhausted) {
    ours.detail =
        "the query needs more memory or spill space than it may use ([queryd] memory_limit and the spill limit); "
        "select less, or aggregate or limit earlier";
  } else if (ours.kind == ErrorKind::kInternal) {
    ours.detail = "the query engine failed on this query; the log says more";
  }
  ReplaceAll(ours.detail, spill_folder, "<spill>");
  if (error.Type() == duckdb::ExceptionType::CATALOG) ReplaceHints(ours.detail);
  if (ours.kind != ErrorKind::kInvalid) ours.members.clear();
  return ours;
}

bool EndsDatabase(const duckdb::ErrorData& error) {
  return error.Type() == duckdb::ExceptionType::INTERNAL || duckdb::Exception::InvalidatesDatabase(error.Type());
}

}  // namespace lakehouse::query
