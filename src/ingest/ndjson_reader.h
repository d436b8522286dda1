// Lines of JSON objects, one after the other, as keys and values in raw text. Reading is strict: every byte of a line
// is checked, nested values included. simdjson's on-demand parser does the reading. Not for sharing; memory is reused.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "base/result.h"

namespace lakehouse::ingest {

enum class JsonKind : uint8_t { kNull, kBoolean, kNumber, kString, kNested };

struct JsonValue {
  JsonKind kind = JsonKind::kNull;
  // Strings without quotes and escapes; everything else as it stands in the file.
  std::string_view text;
  // Whether `text` lies in the file; otherwise it is gone with the next line.
  bool in_file = false;
};

class NdjsonReader {
 public:
  // REQUIRES: the bytes outlive the reader.
  explicit NdjsonReader(std::string_view bytes);
  ~NdjsonReader();
  NdjsonReader(const NdjsonReader&) = delete;
  NdjsonReader& operator=(const NdjsonReader&) = delete;

  // Called for each key of a line; the key is gone afterwards.
  using OnField = std::function<Status(std::string_view key, const JsonValue& value)>;
  // Reads the object in bytes [begin, end). kInvalid, without a line number, for what is no JSON object.
  Status ReadLine(size_t begin, size_t end, const OnField& field);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lakehouse::ingest
