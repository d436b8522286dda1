#include "mcp/call.h"

namespace lakehouse::mcp {

namespace json = boost::json;

void Call::Progress(double done, std::optional<double> total, std::string_view message) const {
  if (progress_token.is_null()) return;
  json::object params{{"progressToken", progress_token}, {"progress", done}};
  if (total) params["total"] = *total;
  if (!message.empty()) params["message"] = message;
  channel.Notify("notifications/progress", std::move(params));
}

void Call::Log(LogSeverity severity, std::string_view text) const {
  if (!log_level || severity < *log_level) return;
  channel.Notify("notifications/message",
                 {{"level", LogSeverityName(severity)}, {"logger", "lakehouse"}, {"data", text}});
}

}  // namespace lakehouse::mcp
