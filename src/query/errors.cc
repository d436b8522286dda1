#include "query/errors.h"

namespace lakehouse::query {
namespace {

void ReplaceAll(std::string& text, const std::string& what, std::string_view by) {
  if (what.empty()) return;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
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
  if (ours.kind != ErrorKind::kInvalid) ours.members.clear();
  return ours;
}

bool EndsDatabase(const duckdb::ErrorData& error) {
  return error.Type() == duckdb::ExceptionType::INTERNAL || duckdb::Exception::InvalidatesDatabase(error.Type());
}

}  // namespace lakehouse::query
