// A growing piece of text that numbers, dates and JSON strings are written into without a copy or a check per byte.
// Used by one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

namespace lakehouse::query {

class TextBuffer {
 public:
  // Room for so many bytes at the end; Advance says how far they were filled.
  char* Room(size_t bytes) {
    if (capacity_ - size_ < bytes) Grow(bytes);
    return data_.get() + size_;
  }
  // REQUIRES: `end` lies within the room that was last asked for.
  void Advance(const char* end) { size_ = static_cast<size_t>(end - data_.get()); }

  void Append(std::string_view text) {
    char* const at = Room(text.size());
    if (!text.empty()) std::memcpy(at, text.data(), text.size());
    size_ += text.size();
  }
  void Push(char c) {
    *Room(1) = c;
    ++size_;
  }

  void AppendInt(int64_t value);
  void AppendUint(uint64_t value);
  // The shortest decimal that reads back the same, never one that reads back as an integer. REQUIRES: it is finite.
  void AppendFinite(double value);
  void AppendFinite(float value);
  // So many digits, with zeros in front.
  void AppendDigits(uint32_t value, int digits);
  // Quoted and escaped (RFC 8259). REQUIRES: the text is UTF-8.
  void AppendJsonString(std::string_view utf8);

  std::string_view view() const { return {data_.get(), size_}; }
  size_t size() const { return size_; }
  void Clear() { size_ = 0; }
  // Cuts the text back. REQUIRES: `size` <= size().
  void Cut(size_t size) { size_ = size; }

 private:
  void Grow(size_t bytes);

  std::unique_ptr<char[]> data_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace lakehouse::query
