// An object as an HTTP server shows it, S3 or a storaged: its facts in the headers, its bytes in the body. Private to
// this folder.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "net/http_client.h"
#include "object/object_store.h"

namespace lakehouse::object {

// Empty where there is none.
std::string HeaderText(const net::Headers& headers, std::string_view name);
// 0 for what is no number.
uint64_t NumberOf(std::string_view text);
// An entity tag without its quotes.
std::string Unquoted(std::string_view tag);
// What Content-Length, ETag, Content-Type and Last-Modified say.
ObjectInfo InfoOfHeaders(std::string_view key, const net::Headers& headers);

// An answer's body as an object, or as `length` bytes of it from `offset`.
class HttpObjectReader final : public ObjectReader {
 public:
  HttpObjectReader(std::unique_ptr<net::HttpResponse> response, ObjectInfo info, uint64_t offset, uint64_t length)
      : response_(std::move(response)), info_(std::move(info)), offset_(offset), length_(length) {}
  const ObjectInfo& info() const override { return info_; }
  uint64_t offset() const override { return offset_; }
  uint64_t length() const override { return length_; }
  Result<size_t> Read(std::span<char> out) override { return response_->Read(out); }

 private:
  const std::unique_ptr<net::HttpResponse> response_;
  const ObjectInfo info_;
  const uint64_t offset_, length_;
};

}  // namespace lakehouse::object
