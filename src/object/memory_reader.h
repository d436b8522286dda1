// An object's bytes that are in memory, as an ObjectReader. One reader at a time.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

#include "object/object_store.h"

namespace lakehouse::object {

class MemoryReader final : public ObjectReader {
 public:
  // REQUIRES: offset + length is at most the size of `bytes`.
  MemoryReader(ObjectInfo info, std::shared_ptr<const std::string> bytes, uint64_t offset, uint64_t length)
      : info_(std::move(info)), bytes_(std::move(bytes)), offset_(offset), length_(length) {}
  const ObjectInfo& info() const override { return info_; }
  uint64_t offset() const override { return offset_; }
  uint64_t length() const override { return length_; }
  Result<size_t> Read(std::span<char> out) override {
    const size_t taken = std::min<uint64_t>(out.size(), length_ - done_);
    if (taken > 0) std::memcpy(out.data(), bytes_->data() + offset_ + done_, taken);
    done_ += taken;
    return taken;
  }

 private:
  const ObjectInfo info_;
  const std::shared_ptr<const std::string> bytes_;
  const uint64_t offset_, length_;
  uint64_t done_ = 0;
};

}  // namespace lakehouse::object
