// What a gateway tells the role behind it about the caller, so that a key is looked up once. Const; callable from any
// thread.
//
// The gateway has checked the caller's key and signs what it found with the role token (HMAC-SHA256), good for a few
// minutes; a role believes it as it believes its other roles. A voucher makes nobody internal: the call stays a
// client's. It travels between roles only: the gateway drops what a client sends under its name.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "auth/access.h"
#include "base/clock.h"

namespace lakehouse::auth {

// The HTTP header, and in lower case the gRPC metadata, that carries it.
inline constexpr std::string_view kVoucherHeader = "X-Lakehouse-Caller";

class Voucher {
 public:
  // An empty token signs and believes nothing. REQUIRES: the clock outlives it.
  Voucher(const std::string& role_token, const Clock& clock);

  std::string For(const Principal& caller) const;
  // Of a caller without a key: that the gateway has judged where the request comes from, and nothing about who asks.
  std::string ForAnyone() const { return For({.scope = Scope::kRead}); }
  // Anonymous for ForAnyone's, who is to be let in as anyone is. nullopt for what the token's holder has not signed, or
  // too long ago.
  std::optional<Principal> Read(std::string_view text) const;

 private:
  std::string Sign(std::string_view claim) const;

  const std::string key_;
  const Clock& clock_;
};

}  // namespace lakehouse::auth
