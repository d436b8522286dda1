// A line on a terminal that says how far an upload is: bytes, rate, time left. Silent elsewhere. Used by one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/stream.h"

namespace lakehouse::cli {

class Progress {
 public:
  struct Target {
    int descriptor;
    bool is_terminal;
    size_t width;
  };
  Progress(Target target, const std::string& label, std::optional<uint64_t> total_bytes, const Clock& clock);
  // Wipes the line.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void Advance(uint64_t bytes);
  // The upload is through; the server is still at work.
  void Waiting();

 private:
  void Draw(const std::string& text);
  std::string Line(MonotonicTime now) const;

  Target target_;
  std::string label_;
  std::optional<uint64_t> total_;
  const Clock& clock_;
  MonotonicTime started_;
  MonotonicTime drawn_;
  uint64_t done_ = 0;
  bool visible_ = false;
};

// Passes bytes on and counts them. REQUIRES: both outlive this.
class ProgressSource final : public ByteSource {
 public:
  ProgressSource(ByteSource& source, Progress& progress) : source_(source), progress_(progress) {}
  Result<size_t> Read(std::span<char> out) override;

 private:
  ByteSource& source_;
  Progress& progress_;
};

}  // namespace lakehouse::cli
