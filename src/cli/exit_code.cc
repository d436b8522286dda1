#include "cli/exit_code.h"

#include <fmt/core.h>

#include <algorithm>

#include "cli/text.h"

namespace lakehouse::cli {

namespace {

// Members of an Error that only this folder sets; no server sends names with a leading space.
constexpr char kExitMember[] = " exit";
constexpr char kUsageValue[] = "usage";
constexpr char kConnectValue[] = "connect";
constexpr char kClosedValue[] = "closed";

Error Marked(ErrorKind kind, std::string detail, std::string_view mark) {
  return Error{kind, std::move(detail), std::nullopt, {}}.With(kExitMember, mark);
}

std::string_view MemberOf(const Error& error, std::string_view name) {
  for (const auto& [member, value] : error.members) {
    if (member == name) return value;
  }
  return {};
}

}  // namespace

Error UsageError(std::string detail) { return Marked(ErrorKind::kInvalid, std::move(detail), kUsageValue); }
Error CannotConnect(std::string detail) { return Marked(ErrorKind::kUnavailable, std::move(detail), kConnectValue); }
Error OutputClosed() { return Marked(ErrorKind::kCancelled, "", kClosedValue); }

bool IsOutputClosed(const Error& error) { return MemberOf(error, kExitMember) == kClosedValue; }

ExitCode ExitCodeOf(const Error& error) {
  const std::string_view mark = MemberOf(error, kExitMember);
  if (mark == kUsageValue) return ExitCode::kUsage;
  if (mark == kConnectValue) return ExitCode::kCannotConnect;
  if (mark == kClosedValue) return ExitCode::kOk;
  if (error.kind == ErrorKind::kNotFound) return ExitCode::kNotFound;
  if (error.kind == ErrorKind::kCancelled) return ExitCode::kInterrupted;
  return ExitCode::kFailed;
}

std::string DescribeError(const Error& error) {
  const size_t first_end = std::min(error.detail.find('\n'), error.detail.size());
  std::string text = error.detail.substr(0, first_end);
  const std::string_view line = MemberOf(error, "line");
  const std::string_view column = MemberOf(error, "column");
  // Most messages say where by themselves.
  if (!line.empty() && error.detail.find(fmt::format("line {}", line)) == std::string::npos) {
    text += column.empty() ? fmt::format(" (line {})", line) : fmt::format(" (line {}, column {})", line, column);
  }
  if (error.retry_after) text += fmt::format("; try again in {} s", error.retry_after->count());
  const std::string_view request_id = MemberOf(error, "request_id");
  if (!request_id.empty()) text += fmt::format(" [request {}]", request_id);
  text = Printable(text);
  // What SQL's errors add: candidates, the statement and a caret below it.
  std::string_view rest = std::string_view(error.detail).substr(first_end);
  while (!rest.empty()) {
    rest.remove_prefix(1);
    const size_t end = std::min(rest.find('\n'), rest.size());
    if (end > 0) text += "\n  " + Printable(rest.substr(0, end));
    rest.remove_prefix(end);
  }
  return text;
}

}  // namespace lakehouse::cli
