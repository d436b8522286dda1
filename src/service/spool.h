// Disk that requests in flight may use, under one limit for the process. Files have no names: whatever happens, their
// space is free again when the process ends. Thread-safe.
#pragma once

#include <atomic>
#include <filesystem>

#include "base/file.h"
#include "base/stream.h"
#include "observe/metrics.h"

namespace lakehouse::service {

class Spool {
 public:
  Spool(std::filesystem::path folder, uint64_t limit_bytes, observe::Metrics& metrics);

  // One file. Its bytes count until it is gone.
  class File final : public ByteSink {
   public:
    File(Spool& spool, FileDescriptor descriptor) : spool_(spool), descriptor_(std::move(descriptor)) {}
    ~File() override { spool_.used_.fetch_sub(bytes_); }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    // kExhausted when the limit or the disk is full.
    Status Write(std::string_view bytes) override;
    int descriptor() const { return descriptor_.get(); }
    uint64_t bytes() const { return bytes_; }

   private:
    Spool& spool_;
    FileDescriptor descriptor_;
    uint64_t bytes_ = 0;
  };
  Result<std::unique_ptr<File>> Make();

 private:
  const std::filesystem::path folder_;
  const uint64_t limit_bytes_;
  std::atomic<uint64_t> used_{0};
};

}  // namespace lakehouse::service
