// From a method and a path to a route: whatever is sent, the answer is a route whose pattern the path has, 404, 405
// with what the path takes, or 400; and captures put back into the pattern give the path again.
#include <algorithm>
#include <cstdlib>

#include "http/server.h"
#include "net/http_client.h"

namespace lakehouse::http {
namespace {

void Check(bool holds) {
  if (!holds) std::abort();
}

const Router& Table() {
  static const Router* const kTable = [] {
    Router inner;
    for (const auto& [method, pattern] : std::initializer_list<std::pair<const char*, const char*>>{
             {"GET", "/storage/objects"},
             {"GET", "/storage/objects/{key...}"},
             {"HEAD", "/storage/objects/{key...}"},
             {"PUT", "/storage/objects/{key...}"},
             {"DELETE", "/storage/objects/{key...}"},
             {"GET", "/catalog/manifest/{name}"},
             {"GET", "/catalog/manifest/list"},
             {"DELETE", "/catalog/manifest/{name}"},
             {"POST", "/catalog/manifest/{name}/pins/{version}"}}) {
      Route route;
      route.method = method;
      route.pattern = pattern;
      inner.Add(std::move(route));
    }
    auto* router = new Router;
    router->Mount("/v1", inner);
    Route root;
    root.method = "GET";
    root.pattern = "/";
    router->Add(std::move(root));
    router->AddPrefix("/v1/vectors", Route{});
    return router;
  }();
  return *kTable;
}

bool Same(const Result<std::string>& decoded, const std::string& text) { return decoded && *decoded == text; }

// What a path looked like before its captures were decoded, segment by segment.
void CheckCaptures(const Router::Match& match, std::string_view path) {
  std::string_view pattern = match.route->pattern;
  size_t captures = 0;
  while (!pattern.empty()) {
    const size_t open = std::min(pattern.find('{'), pattern.size());
    Check(path.starts_with(pattern.substr(0, open)));
    path.remove_prefix(open);
    pattern.remove_prefix(open);
    if (pattern.empty()) break;
    const size_t close = pattern.find('}');
    std::string_view name = pattern.substr(1, close - 1);
    const bool rest = name.ends_with("...");
    if (rest) name.remove_suffix(3);
    const std::string_view raw = rest ? path : path.substr(0, path.find('/'));
    Check(rest || !raw.empty());
    const auto found = match.captures.find(name);
    Check(found != match.captures.end() && Same(net::PercentDecode(raw), found->second));
    ++captures;
    path.remove_prefix(raw.size());
    pattern.remove_prefix(close + 1);
  }
  Check(path.empty() && captures == match.captures.size());
}

void CheckFind(std::string_view method, std::string_view path) {
  const auto match = Table().Find(method, path);
  if (match) {
    if (match->is_prefix) return Check(path.starts_with(match->route->pattern));
    Check(match->route->method == method || (method == "HEAD" && match->route->method == "GET"));
    return CheckCaptures(*match, path);
  }
  if (match.error().kind == ErrorKind::kMethodNotAllowed) {
    Check(match.error().members.size() == 1 && match.error().members[0].first == "allow");
    const std::string& allow = match.error().members[0].second;
    Check(!allow.empty() && allow.find("PROPFIND") == std::string::npos);
    Check(Table().Find(allow.substr(0, allow.find(',')), path).has_value() || path.find('%') != std::string_view::npos);
    return;
  }
  Check(match.error().kind == ErrorKind::kNotFound || match.error().kind == ErrorKind::kInvalid);
}

}  // namespace
}  // namespace lakehouse::http

// The first line is the method, the rest the path.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t line = std::min(input.find('\n'), input.size());
  lakehouse::http::CheckFind(input.substr(0, line), input.substr(std::min(line + 1, input.size())));
  return 0;
}
