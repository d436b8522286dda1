// A ByteSink as Arrow's output stream. Used by one thread. Modules that link Arrow include this; base itself does not.
#pragma once

#include <arrow/io/interfaces.h>

#include <atomic>
#include <cstdint>
#include <optional>

#include "base/stream.h"

namespace lakehouse {

// REQUIRES: the sink, and `written` where it is given, outlive it.
class ArrowSink final : public arrow::io::OutputStream {
 public:
  // `written` counts along, for whoever watches from another thread.
  explicit ArrowSink(ByteSink& sink, std::atomic<uint64_t>* written = nullptr) : sink_(sink), written_(written) {
    set_mode(arrow::io::FileMode::WRITE);
  }
  arrow::Status Close() override {
    closed_ = true;
    return arrow::Status::OK();
  }
  bool closed() const override { return closed_; }
  arrow::Result<int64_t> Tell() const override { return static_cast<int64_t>(bytes_); }
  arrow::Status Write(const void* data, int64_t size) override {
    if (is_given_up_) return arrow::Status::IOError("the output was given up");
    const auto bytes = static_cast<size_t>(size);
    if (Status written = sink_.Write({static_cast<const char*>(data), bytes}); !written) {
      error_ = std::move(written).error();
      return arrow::Status::IOError(error_->detail);
    }
    bytes_ += bytes;
    if (written_ != nullptr) *written_ += bytes;
    return arrow::Status::OK();
  }

  // Nothing more reaches the sink.
  void GiveUp() { is_given_up_ = true; }
  uint64_t bytes() const { return bytes_; }
  // What the sink said; Arrow keeps only the text of an error.
  const std::optional<Error>& error() const { return error_; }

 private:
  ByteSink& sink_;
  std::atomic<uint64_t>* const written_;
  uint64_t bytes_ = 0;
  bool closed_ = false;
  bool is_given_up_ = false;
  std::optional<Error> error_;
};

}  // namespace lakehouse
