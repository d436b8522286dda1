// Who may ask at all: host names that are ours, origins that are not foreign, keys and the role token. Private to
// http/. Made once; const and callable from any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

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
  };
  // kForbidden for a foreign Host or Origin, kUnauthenticated for a missing or wrong key. A role's token, where it
  // counts, stands for all of these. `socket` tells the address that the client reached.
  Result<Caller> Check(const RequestHead& head, std::string_view path, int socket) const;

 private:
  bool IsOurs(std::string_view authority, int socket) const;
  Status CheckKey(const RequestHead& head, std::string_view path) const;

  std::vector<std::string> hosts_;  // lower case
  std::vector<Sha256Digest> keys_;
  Sha256Digest role_token_{};
  bool knows_role_token_;
};

// The header that carries the role token.
inline constexpr std::string_view kRoleTokenHeader = "X-Lakehouse-Role-Token";
// What the gateway took off the front of the path; errors name the path as the client knows it.
inline constexpr std::string_view kPrefixHeader = "X-Forwarded-Prefix";

// "host", "host:port", "[::1]:port" to the host in lower case without brackets; empty when it is malformed.
std::string HostOfAuthority(std::string_view authority);

}  // namespace lakehouse::http
