#include "http/server_access.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>

#include "base/ascii.h"
#include "http/connection_socket.h"

namespace lakehouse::http {

namespace {

bool IsPort(std::string_view text) {
  return text.size() <= 5 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// Digests are compared, so that neither length nor content of a token shows in the time it takes.
bool SameDigest(const Sha256Digest& a, const Sha256Digest& b) {
  unsigned difference = 0;
  for (size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned>(a[i] ^ b[i]);
  return difference == 0;
}

}  // namespace

bool IsLoopback(const std::string& host) {
  if (host == "localhost" || host.ends_with(".localhost")) return true;
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  return inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

std::string HostOfAuthority(std::string_view authority) {
  std::string_view host = authority;
  std::string_view port;
  if (authority.starts_with('[')) {
    const size_t end = authority.find(']');
    if (end == std::string_view::npos) return {};
    host = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
  } else if (const size_t colon = authority.find(':'); colon != std::string_view::npos) {
    host = authority.substr(0, colon);
    port = authority.substr(colon);
  }
  if (!port.empty() && (port.front() != ':' || !IsPort(port.substr(1)))) return {};
  if (host.ends_with('.')) host.remove_suffix(1);
  return AsciiLower(host);
}

AccessRules::AccessRules(const ServerOptions& options)
    : knows_role_token_(!options.role_token.empty() && !options.strip_role_token),
      voucher_(knows_role_token_ ? options.role_token : "", SystemClock()) {
  for (const std::string& host : options.hosts) hosts_.push_back(HostOfAuthority(host));
  hosts_.push_back(HostOfAuthority(options.bind));
  if (knows_role_token_) role_token_ = Sha256Of(options.role_token);
}

bool AccessRules::IsOurs(std::string_view authority, int socket) const {
  const std::string host = HostOfAuthority(authority);
  if (host.empty()) return false;
  return IsLoopback(host) || std::ranges::find(hosts_, host) != hosts_.end() || host == LocalAddress(socket);
}

Status AccessRules::CheckSource(const RequestHead& head, int socket) const {
  if (!IsOurs(head.host, socket)) {
    return Fail(
        ErrorKind::kForbidden,
        "the Host header does not name this server; names other than loopback ones are listed in [gateway] hosts");
  }
  const std::string* origin = FindHeader(head.headers, "Origin");
  if (origin == nullptr) return {};
  const size_t scheme = origin->find("://");
  if (scheme == std::string::npos || !IsOurs(std::string_view(*origin).substr(scheme + 3), socket))
    return Fail(ErrorKind::kForbidden, "requests from pages of another origin are refused");
  return {};
}

Result<AccessRules::Caller> AccessRules::Check(const RequestHead& head, int socket) const {
  if (knows_role_token_) {
    const std::string* token = FindHeader(head.headers, kRoleTokenHeader);
    if (token != nullptr) {
      if (!SameDigest(Sha256Of(*token), role_token_))
        return Fail(ErrorKind::kUnauthenticated, "the role token is not ours");
      return Caller{.internal = true};
    }
  }
  const std::string* voucher = FindHeader(head.headers, auth::kVoucherHeader);
  auto vouched = voucher != nullptr ? voucher_.Read(*voucher) : std::nullopt;
  if (!vouched) LH_TRY(CheckSource(head, socket));
  if (vouched && vouched->IsAnonymous()) vouched.reset();
  return Caller{.vouched = std::move(vouched)};
}

}  // namespace lakehouse::http
