// Little-endian fields in a row, written and read with bounds checked. Value types; one thread at a time.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace lakehouse::vector {

static_assert(std::endian::native == std::endian::little, "stored numbers are little-endian");

class ByteWriter {
 public:
  explicit ByteWriter(std::string& out) : out_(out) {}
  template <typename T>
    requires std::is_arithmetic_v<T>
  void Put(T value) {
    out_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void Bytes(std::string_view bytes) { out_.append(bytes); }
  // With its length, 32 bits, before it.
  void Text(std::string_view text) {
    Put(static_cast<uint32_t>(text.size()));
    Bytes(text);
  }

 private:
  std::string& out_;
};

class ByteReader {
 public:
  // `what` is named in errors.
  ByteReader(std::string_view bytes, std::string_view what) : bytes_(bytes), what_(what) {}
  template <typename T>
    requires std::is_arithmetic_v<T>
  Result<T> Get() {
    LH_ASSIGN(const std::string_view raw, Bytes(sizeof(T)));
    T value;
    std::memcpy(&value, raw.data(), sizeof value);
    return value;
  }
  Result<std::string_view> Bytes(uint64_t count) {
    if (count > bytes_.size()) {
      return Fail(ErrorKind::kInternal, "{} is truncated: {} bytes are missing", what_, count - bytes_.size());
    }
    const std::string_view taken = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return taken;
  }
  Result<std::string_view> Text() {
    LH_ASSIGN(const auto size, Get<uint32_t>());
    return Bytes(size);
  }
  size_t left() const { return bytes_.size(); }

 private:
  std::string_view bytes_;
  std::string what_;
};

}  // namespace lakehouse::vector
