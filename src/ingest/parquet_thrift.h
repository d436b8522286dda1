// Thrift's compact protocol, writing only: what Parquet's page headers and footer are made of.
// https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/parquet_varint.h"

namespace lakehouse::ingest {

class ThriftWriter {
 public:
  explicit ThriftWriter(std::string& out) : out_(out) {}

  void BeginStruct() { last_ids_.push_back(0); }
  void EndStruct() {
    out_.push_back(0);
    last_ids_.pop_back();
  }
  void Bool(int16_t id, bool value) { Header(id, value ? 1 : 2); }
  void I32(int16_t id, int32_t value) {
    Header(id, 5);
    Zigzag(value);
  }
  void I64(int16_t id, int64_t value) {
    Header(id, 6);
    Zigzag(value);
  }
  void Binary(int16_t id, std::string_view bytes) {
    Header(id, 8);
    BinaryItem(bytes);
  }
  // Follow with the items: ...Item calls, or BeginStruct … EndStruct.
  void List(int16_t id, uint8_t item_type, size_t size) {
    Header(id, 9);
    if (size < 15) {
      out_.push_back(static_cast<char>(size << 4 | item_type));
    } else {
      out_.push_back(static_cast<char>(0xF0 | item_type));
      Varint(size);
    }
  }
  // Follow with the fields and EndStruct.
  void Struct(int16_t id) {
    Header(id, kStruct);
    BeginStruct();
  }
  void I32Item(int32_t value) { Zigzag(value); }
  void BinaryItem(std::string_view bytes) {
    Varint(bytes.size());
    out_.append(bytes);
  }

  static constexpr uint8_t kI32 = 5, kBinary = 8, kStruct = 12;

 private:
  void Header(int16_t id, uint8_t type) {
    const int delta = id - last_ids_.back();
    if (delta > 0 && delta <= 15) {
      out_.push_back(static_cast<char>(delta << 4 | type));
    } else {
      out_.push_back(static_cast<char>(type));
      Zigzag(id);
    }
    last_ids_.back() = id;
  }
  void Zigzag(int64_t value) { Varint(ZigZag(value)); }
  void Varint(uint64_t value) { AppendVarint(out_, value); }

  std::string& out_;
  std::vector<int16_t> last_ids_;
};

}  // namespace lakehouse::ingest
