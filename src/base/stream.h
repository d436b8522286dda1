// Bytes that come and go in pieces, so that no body is ever held whole. One reader, one writer at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace lakehouse {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Fills some of `out` (not empty) and says how many bytes; 0 means the end. Blocks.
  // After an error the source is finished.
  virtual Result<size_t> Read(std::span<char> out) = 0;
  // A range of a regular file that holds just these bytes from here to the end, when there is one: lets a writer
  // use sendfile or link. The descriptor stays the source's.
  struct FileRange {
    int descriptor;
    uint64_t offset;
    uint64_t length;
  };
  virtual std::optional<FileRange> AsFile() const { return std::nullopt; }
};

class ByteSink {
 public:
  virtual ~ByteSink() = default;
  // Takes all of `bytes` or fails. Blocks until there is room (backpressure).
  virtual Status Write(std::string_view bytes) = 0;
};

// Bytes that the caller keeps alive.
class StringSource final : public ByteSource {
 public:
  explicit StringSource(std::string_view bytes) : rest_(bytes) {}
  Result<size_t> Read(std::span<char> out) override;

 private:
  std::string_view rest_;
};

class StringSink final : public ByteSink {
 public:
  explicit StringSink(std::string& out) : out_(out) {}
  Status Write(std::string_view bytes) override {
    out_.append(bytes);
    return {};
  }

 private:
  std::string& out_;
};

// The whole rest of `source`; kTooLarge naming the limit when it is longer.
Result<std::string> ReadAll(ByteSource& source, uint64_t limit_bytes);

}  // namespace lakehouse
