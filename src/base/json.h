// The one JSON writer: appends to a string, no tree. Reading is Boost.JSON's, behind ParseJson (base/json_value.h).
//
//   std::string out;
//   JsonWriter json(out);
//   json.BeginObject().Key("key").String(key).Key("size").Number(size).EndObject();
//
// Commas are the writer's business. REQUIRES: keys and values alternate inside objects. Not for sharing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace lakehouse {

// `text` quoted and escaped (RFC 8259). Invalid UTF-8 becomes U+FFFD, so the output is always valid JSON.
void AppendJsonString(std::string& out, std::string_view text);
// Shortest decimal that reads back the same; NaN and infinities as the strings "NaN", "Infinity", "-Infinity".
void AppendJsonDouble(std::string& out, double value);
void AppendJsonFloat(std::string& out, float value);
void AppendInt(std::string& out, int64_t value);
void AppendUint(std::string& out, uint64_t value);

class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  JsonWriter& BeginObject() { return Open('{'); }
  JsonWriter& EndObject() { return Close('}'); }
  JsonWriter& BeginArray() { return Open('['); }
  JsonWriter& EndArray() { return Close(']'); }
  JsonWriter& Key(std::string_view key) {
    Comma();
    AppendJsonString(out_, key);
    out_.push_back(':');
    need_comma_ = false;
    return *this;
  }
  JsonWriter& String(std::string_view text) {
    Comma();
    AppendJsonString(out_, text);
    return *this;
  }
  template <typename T>
    requires std::is_integral_v<T>
  JsonWriter& Number(T value) {
    Comma();
    if constexpr (std::is_signed_v<T>) {
      AppendInt(out_, value);
    } else {
      AppendUint(out_, value);
    }
    return *this;
  }
  JsonWriter& Number(double value) {
    Comma();
    AppendJsonDouble(out_, value);
    return *this;
  }
  JsonWriter& Bool(bool value) {
    Comma();
    out_.append(value ? "true" : "false");
    return *this;
  }
  JsonWriter& Null() {
    Comma();
    out_.append("null");
    return *this;
  }
  // Text that is JSON already.
  JsonWriter& Raw(std::string_view json) {
    Comma();
    out_.append(json);
    return *this;
  }

 private:
  void Comma() {
    if (need_comma_) out_.push_back(',');
    need_comma_ = true;
  }
  JsonWriter& Open(char bracket) {
    Comma();
    out_.push_back(bracket);
    need_comma_ = false;
    return *this;
  }
  JsonWriter& Close(char bracket) {
    out_.push_back(bracket);
    need_comma_ = true;
    return *this;
  }

  std::string& out_;
  bool need_comma_ = false;
};

}  // namespace lakehouse
