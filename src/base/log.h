// Structured logs on stderr: JSON lines, or text when stderr is a terminal. Callable from any thread.
//
//   log.Info("listening", {{"address", address}});
//
// Never hand it a secret, a SQL text or an object's bytes.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

namespace lakehouse {

enum class LogLevel { kDebug, kInfo, kWarn, kError, kOff };
enum class LogFormat { kAuto, kJson, kText };

struct LogField {
  std::string_view name;
  std::string value;
};

class Logger {
 public:
  Logger(std::string service, LogLevel level, LogFormat format);
  ~Logger();
  Logger(const Logger&) = delete;
  Logger& operator=(const Logger&) = delete;
  // Says nothing; for tests and library use.
  static Logger& Silent();

  bool Enabled(LogLevel level) const;
  void Write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {}) const;
  void Debug(std::string_view message, std::initializer_list<LogField> fields = {}) const {
    Write(LogLevel::kDebug, message, fields);
  }
  void Info(std::string_view message, std::initializer_list<LogField> fields = {}) const {
    Write(LogLevel::kInfo, message, fields);
  }
  void Warn(std::string_view message, std::initializer_list<LogField> fields = {}) const {
    Write(LogLevel::kWarn, message, fields);
  }
  void Error(std::string_view message, std::initializer_list<LogField> fields = {}) const {
    Write(LogLevel::kError, message, fields);
  }

 private:
  struct Sink;
  std::string service_;
  LogLevel level_;
  LogFormat format_;
  std::unique_ptr<Sink> sink_;
};

}  // namespace lakehouse
