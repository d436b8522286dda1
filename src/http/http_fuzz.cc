// The server's way from bytes to a route: head, framing of the body, path, query, access. Two readings of the same
// bytes must agree, whole and in pieces.
#include <cstdlib>

#include "http/framing.h"
#include "http/proxy.h"
#include "http/server.h"
#include "http/server_access.h"

namespace lakehouse::http {
namespace {

void Check(bool holds) {
  if (!holds) std::abort();
}

const Router& Table() {
  static const Router* const kTable = [] {
    auto* router = new Router;
    for (const char* pattern : {"/", "/v1/storage/objects", "/v1/storage/objects/{key...}",
                                "/v1/catalog/manifest/{name}", "/v1/catalog/manifest/{name}/pins/{version}"}) {
      Route route;
      route.method = "GET";
      route.pattern = pattern;
      router->Add(std::move(route));
    }
    router->AddPrefix("/v1/vectors", Route{});
    return router;
  }();
  return *kTable;
}

// The decoded body, or nothing when it is refused or incomplete.
std::optional<std::string> Decode(std::string_view bytes, size_t piece) {
  ChunkDecoder decoder;
  std::string out;
  while (!bytes.empty() && !decoder.done()) {
    std::string_view part = bytes.substr(0, piece);
    bytes.remove_prefix(part.size());
    while (!part.empty() && !decoder.done()) {
      const Framed<size_t> used = decoder.Parse(part);
      if (!used) return std::nullopt;
      part.remove_prefix(*used);
      const size_t take = std::min<uint64_t>(decoder.data_left(), part.size());
      if (take == 0) continue;
      out.append(part.substr(0, take));
      decoder.Take(take);
      part.remove_prefix(take);
    }
  }
  if (!decoder.done()) return std::nullopt;
  return out;
}

void CheckRequest(std::string_view bytes) {
  size_t scanned = 0;
  const Framed<size_t> end = FindHeadEnd(bytes, scanned);
  size_t stepwise = 0;
  Framed<size_t> again = size_t{0};
  for (size_t size = 1; size <= bytes.size() && again && *again == 0; ++size)
    again = FindHeadEnd(bytes.substr(0, size), stepwise);
  // Refusing late what starts well is fine as long as no head is made of it.
  if (end && *end > 0) Check(again && *again == *end);
  if (!end || *end == 0) return;
  const Framed<RequestHead> head = ParseRequestHead(bytes.substr(0, *end));
  if (!head) {
    Check(head.error().status >= 400 && !head.error().detail.empty());
    return;
  }
  Check(!(head->chunked && head->content_length));
  for (const auto& [name, value] : head->headers) {
    Check(IsToken(name) && value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
  }
  const std::string_view path = std::string_view(head->target).substr(0, head->target.find('?'));
  (void)Table().Find(head->method, path);
  static const AccessRules* const kRules = new AccessRules(ServerOptions{.bind = "127.0.0.1:1", .role_token = "t"});
  (void)kRules->Check(*head, -1);
  if (head->chunked) Check(Decode(bytes.substr(*end), 1) == Decode(bytes.substr(*end), bytes.size()));
}

}  // namespace
}  // namespace lakehouse::http

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  lakehouse::http::CheckRequest(bytes);
  size_t scanned = 0;
  const auto end = lakehouse::http::FindHeadEnd(bytes, scanned);
  if (end && *end > 0) (void)lakehouse::http::ParseResponseHead(bytes.substr(0, *end));
  (void)lakehouse::http::ParseUpstreamUrl("field", bytes);
  return 0;
}
