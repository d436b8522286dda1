// Who may do what: the one check that every way in (HTTP, MCP, Flight, gRPC) makes for every call.
//
//   LH_ASSIGN(const Principal caller, access.Check(authorization_header, Scope::kRead));
//   LH_ASSIGN(const Admission admission, access.Admit(caller));  // held until the call has ended
//   … the call …
//   audit.Write(caller, …);                                      // auth/audit.h
//
// Thread-safe; no call blocks. Errors: kUnauthenticated (401: no key, or none of ours; HTTP adds WWW-Authenticate),
// kForbidden (403, naming the scope that is needed), kTooManyRequests (429 with retry_after), kUnavailable (503: the
// keys could not be read from the store). No error holds any part of a key.
//
// Without any key the door is open: everyone is "anonymous" with scope admin. It closes for good in this process, no
// matter what becomes of the keys, as soon as one key is known, and is closed from the start where `must_have_key` says
// so (an address that other machines reach).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
#include "base/result.h"

namespace lakehouse::auth {

// Ordered: each may do what those before it may.
enum class Scope : uint8_t { kRead, kWrite, kAdmin };
std::string_view ScopeName(Scope scope);  // "read", "write", "admin"
// kInvalid naming the three.
Result<Scope> ParseScope(std::string_view name);

// Who calls. Value type.
struct Principal {
  std::string key_id = "anonymous";
  std::string name = "anonymous";
  Scope scope = Scope::kAdmin;
  bool IsAnonymous() const { return key_id == "anonymous"; }
};

// kForbidden naming `needed` when the caller's scope is less.
Status CheckScope(const Principal& caller, Scope needed);

// What one key may use at once; 0: no limit. A key may save up one second's worth of calls, and one call at least.
struct Limits {
  uint32_t calls_per_second = 0;
  uint32_t concurrent_calls = 0;
  bool operator==(const Limits&) const = default;
};

// A key as the check needs it. `hash` is HMAC-SHA256 of the secret under the salt.
struct KnownKey {
  std::string id, name;
  Scope scope = Scope::kRead;
  std::string salt;
  Sha256Digest hash{};
  Limits limits{};
  WallTime expires_at = WallTime::max();
  bool revoked = false;
};

// HMAC-SHA256 under `salt`: what is stored of a secret. A fast hash is enough, since the secret is 256 random bits.
Sha256Digest HashSecret(std::string_view salt, std::string_view secret);

// A place among a key's concurrent calls, given back when it goes. Moves, does not copy. May outlive the Access.
class Admission {
 public:
  Admission() = default;
  ~Admission();
  Admission(Admission&& other) noexcept;
  Admission& operator=(Admission&& other) noexcept;

 private:
  friend class Access;
  class Meter;
  explicit Admission(std::shared_ptr<Meter> meter);
  std::shared_ptr<Meter> meter_;
};

class Access {
 public:
  struct Options {
    // Whole keys of scope admin that the environment gives; they have no limits and never expire.
    std::vector<std::string> fixed_keys{};
    // A store is asked for keys too: until SetKeys has been called nobody but the fixed keys gets in.
    bool has_store = false;
    bool must_have_key = false;
    // Of keys that were made without limits of their own.
    Limits default_limits{};
    // How long keys are believed after the store last told them.
    std::chrono::milliseconds trust_for{60000};
  };
  // REQUIRES: the clock outlives it.
  Access(Options options, const Clock& clock);
  ~Access();
  Access(const Access&) = delete;
  Access& operator=(const Access&) = delete;

  // Who shows this Authorization header ("Bearer lh_…"; empty: none was sent).
  Result<Principal> Identify(std::string_view authorization) const;
  // Who shows this bare key (Flight's password; empty: none).
  Result<Principal> IdentifyKey(std::string_view key) const;
  // The same, and that they may do what needs this scope.
  Result<Principal> Check(std::string_view authorization, Scope needed) const;
  Result<Principal> CheckKey(std::string_view key, Scope needed) const;

  // Takes one call out of what the caller's key may use.
  Result<Admission> Admit(const Principal& caller) const;

  // What the store holds now; believed for trust_for from here on.
  void SetKeys(std::vector<KnownKey> keys);
  // Calls need a key. kUnavailable as long as the store has told nothing.
  Result<bool> IsClosed() const;

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace lakehouse::auth
