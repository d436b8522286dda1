#include "object/http_object.h"

#include <charconv>

namespace lakehouse::object {

std::string HeaderText(const net::Headers& headers, std::string_view name) {
  const std::string* value = net::FindHeader(headers, name);
  return value == nullptr ? std::string() : *value;
}

uint64_t NumberOf(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : 0;
}

std::string Unquoted(std::string_view tag) {
  if (tag.size() >= 2 && tag.front() == '"' && tag.back() == '"') tag = tag.substr(1, tag.size() - 2);
  return std::string(tag);
}

ObjectInfo InfoOfHeaders(std::string_view key, const net::Headers& headers) {
  ObjectInfo info;
  info.key = key;
  info.size = NumberOf(HeaderText(headers, "Content-Length"));
  info.etag = Unquoted(HeaderText(headers, "ETag"));
  info.content_type = HeaderText(headers, "Content-Type");
  if (const auto time = ParseHttpDate(HeaderText(headers, "Last-Modified"))) info.last_modified = *time;
  return info;
}

}  // namespace lakehouse::object
