// Who may ask at all: host names that are ours, origins that are not foreign, the role token and what a gateway vouches
// for. Private to http/. Made once; const and callable from any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/voucher.h"
#include "base/hash.h"
#include "base/result.h"
#include "http/framing.h"
#include "http/server.h"

namespace lakehouse::http {

class AccessRules {
 public:
  explicit AccessRules(const ServerOptions& options);

  struct Caller {
    bool internal = false;
    std::optional<auth::Principal> vouched{};  // a gateway has checked the key
  };
  // kForbidden for a foreign Host or Origin, kUnauthenticated for a wrong role token. A right one, where it counts,
  // stands for everything; a gateway's voucher for Host and Origin, which that has judged. `socket` tells the address
  // that the client reached.
  Result<Caller> Check(const RequestHead& head, int socket) const;

 private:
  bool IsOurs(std::string_view authority, int socket) const;
  Status CheckSource(const RequestHead& head, int socket) const;

  std::vector<std::string> hosts_;  // lower case
  Sha256Digest role_token_{};
  bool knows_role_token_;
  const auth::Voucher voucher_;
};

// The header that carries the role token.
inline constexpr std::string_view kRoleTokenHeader = "X-Lakehouse-Role-Token";
// What the gateway took off the front of the path; errors name the path as the client knows it.
inline constexpr std::string_view kPrefixHeader = "X-Forwarded-Prefix";

// "host", "host:port", "[::1]:port" to the host in lower case without brackets; empty when it is malformed.
std::string HostOfAuthority(std::string_view authority);
// Whether such a host is this machine's own loopback, by name or address.
bool IsLoopback(const std::string& host);

}  // namespace lakehouse::http
