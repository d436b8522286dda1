#include <algorithm>

#include "http/server.h"
#include "net/http_client.h"

namespace lakehouse::http {

namespace {

// Cuts the segment up to the next slash off `rest`, which then starts behind that slash; `more` says if there was one.
std::string_view NextSegment(std::string_view& rest, bool& more) {
  const size_t slash = rest.find('/');
  const std::string_view segment = rest.substr(0, slash);
  more = slash != std::string_view::npos;
  rest = more ? rest.substr(slash + 1) : std::string_view();
  return segment;
}

bool IsCapture(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

using RawCaptures = std::vector<std::pair<std::string_view, std::string_view>>;  // name, encoded text

// Whether the encoded path has the pattern's shape. No segment is decoded, dropped or resolved before: "..", "%2F" and
// empty segments reach the handler as they were sent, and its own rules decide.
bool Matches(std::string_view pattern, std::string_view path, RawCaptures& captures) {
  captures.clear();
  bool more_pattern = true;
  bool more_path = true;
  while (more_pattern) {
    if (pattern.starts_with('{') && pattern.ends_with("...}") && pattern.find('/') == std::string_view::npos) {
      captures.emplace_back(pattern.substr(1, pattern.size() - 5), path);
      return more_path;
    }
    if (!more_path) return false;
    const std::string_view segment = NextSegment(path, more_path);
    const std::string_view wanted = NextSegment(pattern, more_pattern);
    if (IsCapture(wanted)) {
      if (segment.empty()) return false;
      captures.emplace_back(wanted.substr(1, wanted.size() - 2), segment);
    } else if (segment != wanted) {
      return false;
    }
  }
  return !more_path;
}

Result<Router::Match> Decode(const Route& route, const RawCaptures& raw) {
  Router::Match match{&route, {}, false};
  for (const auto& [name, text] : raw) {
    if (text.find('%') == std::string_view::npos) {
      match.captures.emplace(name, text);
      continue;
    }
    Result<std::string> decoded = net::PercentDecode(text);
    if (!decoded) {
      return Fail(ErrorKind::kInvalid, "the path's {} has a '%' that two hexadecimal digits do not follow", name);
    }
    match.captures.emplace(name, std::move(*decoded));
  }
  return match;
}

// Fewer captures in front win: "/index/{name}" and "/index/all" may both stand in the table.
bool IsMoreLiteral(const Route& a, const Route& b) {
  return std::ranges::count(a.pattern, '{') < std::ranges::count(b.pattern, '{');
}

bool Serves(const Route& route, std::string_view method) {
  return route.method == method || (method == "HEAD" && route.method == "GET");
}

bool IsBelow(std::string_view path, std::string_view prefix) {
  return path.starts_with(prefix) &&
         (path.size() == prefix.size() || path[prefix.size()] == '/' || prefix.ends_with('/'));
}

}  // namespace

void Router::Add(Route route) { routes_.push_back(std::move(route)); }

void Router::Mount(std::string_view prefix, const Router& other) {
  const auto below = [prefix](Route route) {
    route.pattern.insert(0, prefix);
    return route;
  };
  for (const Route& route : other.routes_) routes_.push_back(below(route));
  for (const Route& route : other.prefixes_) prefixes_.push_back(below(route));
}

void Router::AddPrefix(std::string prefix, Route route) {
  route.pattern = std::move(prefix);
  prefixes_.push_back(std::move(route));
}

Result<Router::Match> Router::Find(std::string_view method, std::string_view encoded_path) const {
  const Route* best = nullptr;
  RawCaptures best_captures;
  RawCaptures captures;
  std::vector<std::string_view> allowed;
  for (const Route& route : routes_) {
    if (!Matches(route.pattern, encoded_path, captures)) continue;
    allowed.push_back(route.method);
    if (route.method == "GET") allowed.push_back("HEAD");
    if (!Serves(route, method)) continue;
    const bool exact = best != nullptr && best->method != method && route.method == method;
    if (best == nullptr || exact || IsMoreLiteral(route, *best)) {
      best = &route;
      best_captures.swap(captures);
    }
  }
  if (best != nullptr) return Decode(*best, best_captures);
  if (allowed.empty()) {
    for (const Route& route : prefixes_) {
      if (!IsBelow(encoded_path, route.pattern)) continue;
      Match match{&route, {}, true};
      match.captures.emplace("rest", encoded_path.substr(route.pattern.size()));
      return match;
    }
    return Fail(ErrorKind::kNotFound, "there is nothing at this path");
  }
  std::ranges::sort(allowed);
  allowed.erase(std::ranges::unique(allowed).begin(), allowed.end());
  std::string list;
  for (const std::string_view name : allowed) list.append(list.empty() ? "" : ", ").append(name);
  return Fail(Error{ErrorKind::kMethodNotAllowed, fmt::format("this path takes {}", list), std::nullopt, {}}.With(
      "allow", list));
}

}  // namespace lakehouse::http
