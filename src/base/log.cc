#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"

namespace lakehouse {

struct Logger::Sink {
  spdlog::sinks::stderr_sink_mt stream;
};

namespace {

constexpr std::string_view kLevelNames[] = {"debug", "info", "warn", "error"};

std::string AsJson(LogLevel level, const std::string& service, std::string_view message,
                   std::initializer_list<LogField> fields) {
  std::string line;
  JsonWriter json(line);
  json.BeginObject().Key("ts").String(FormatRfc3339(SystemClock().Now()));
  json.Key("level")
      .String(kLevelNames[static_cast<int>(level)])
      .Key("service")
      .String(service)
      .Key("msg")
      .String(message);
  for (const LogField& field : fields) json.Key(field.name).String(field.value);
  json.EndObject();
  return line;
}

std::string AsText(LogLevel level, const std::string& service, std::string_view message,
                   std::initializer_list<LogField> fields) {
  std::string line = fmt::format("{} {:5} {}: {}", FormatRfc3339(SystemClock().Now()).substr(11, 12),
                                 kLevelNames[static_cast<int>(level)], service, message);
  for (const LogField& field : fields) {
    line.append("  ").append(field.name).push_back('=');
    AppendJsonString(line, field.value);
  }
  return line;
}

}  // namespace

Logger::Logger(std::string service, LogLevel level, LogFormat format)
    : service_(std::move(service)), level_(level), format_(format), sink_(std::make_unique<Sink>()) {
  if (format_ == LogFormat::kAuto) format_ = isatty(STDERR_FILENO) != 0 ? LogFormat::kText : LogFormat::kJson;
  sink_->stream.set_pattern("%v");
}

Logger::~Logger() = default;

Logger& Logger::Silent() {
  static Logger logger("", LogLevel::kOff, LogFormat::kJson);
  return logger;
}

bool Logger::Enabled(LogLevel level) const { return level >= level_ && level_ != LogLevel::kOff; }

void Logger::Write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) const {
  if (!Enabled(level)) return;
  const std::string line =
      format_ == LogFormat::kJson ? AsJson(level, service_, message, fields) : AsText(level, service_, message, fields);
  sink_->stream.log(
      spdlog::details::log_msg(spdlog::string_view_t(), spdlog::level::info, spdlog::string_view_t(line)));
}

}  // namespace lakehouse
