#include "auth/access.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "auth/key.h"
#include "base/mutex.h"

namespace lakehouse::auth {

namespace {

constexpr std::string_view kScopeNames[] = {"read", "write", "admin"};
constexpr std::string_view kBearer = "bearer ";

bool SameDigest(const Sha256Digest& a, const Sha256Digest& b) {
  unsigned difference = 0;
  for (size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned>(a[i] ^ b[i]);
  return difference == 0;
}

std::string_view Trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

bool StartsWithBearer(std::string_view text) {
  if (text.size() < kBearer.size()) return false;
  return std::ranges::equal(text.substr(0, kBearer.size()), kBearer,
                            [](char a, char b) { return (a >= 'A' && a <= 'Z' ? static_cast<char>(a | 32) : a) == b; });
}

std::unexpected<Error> NotRead() {
  return Fail(Error{ErrorKind::kUnavailable,
                    "the API keys cannot be read from the store at the moment",
                    std::chrono::seconds(1),
                    {}});
}

}  // namespace

std::string_view ScopeName(Scope scope) { return kScopeNames[static_cast<size_t>(scope)]; }

Result<Scope> ParseScope(std::string_view name) {
  for (const Scope scope : {Scope::kRead, Scope::kWrite, Scope::kAdmin}) {
    if (name == ScopeName(scope)) return scope;
  }
  return Fail(ErrorKind::kInvalid, "'{}' is no scope: it is read, write or admin", name);
}

Status CheckScope(const Principal& caller, Scope needed) {
  if (caller.scope >= needed) return {};
  return Fail(Error{
      ErrorKind::kForbidden,
      fmt::format("this needs a key with scope {}; key '{}' has scope {}", ScopeName(needed), caller.name,
                  ScopeName(caller.scope)),
      std::nullopt,
      {}}.With("scope", ScopeName(needed)));
}

Sha256Digest HashSecret(std::string_view salt, std::string_view secret) { return HmacSha256(salt, secret); }

// What one key uses: a bucket that fills with its rate, and the calls that run.
class Admission::Meter {
 public:
  explicit Meter(Limits limits) : limits_(limits), tokens_(limits.calls_per_second) {}
  const Limits& limits() const { return limits_; }

  Status Enter(MonotonicTime now) LH_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (limits_.concurrent_calls > 0 && running_ >= limits_.concurrent_calls) {
      return Fail(Error{ErrorKind::kTooManyRequests,
                        fmt::format("this key already has its {} calls running at once", limits_.concurrent_calls),
                        std::chrono::seconds(1),
                        {}});
    }
    LH_TRY(TakeToken(now));
    ++running_;
    return {};
  }
  void Leave() LH_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    --running_;
  }

 private:
  Status TakeToken(MonotonicTime now) LH_REQUIRES(mutex_) {
    if (limits_.calls_per_second == 0) return {};
    const double rate = limits_.calls_per_second;
    const std::chrono::duration<double> since = filled_ ? now - *filled_ : std::chrono::nanoseconds(0);
    filled_ = now;
    tokens_ = std::min(rate, tokens_ + since.count() * rate);
    if (tokens_ < 1) {
      const double wait = (1 - tokens_) / rate;
      return Fail(Error{ErrorKind::kTooManyRequests,
                        fmt::format("this key has used up its {} calls a second", limits_.calls_per_second),
                        std::chrono::seconds(std::max<int64_t>(1, static_cast<int64_t>(std::ceil(wait)))),
                        {}});
    }
    tokens_ -= 1;
    return {};
  }

  const Limits limits_;
  Mutex mutex_;
  double tokens_ LH_GUARDED_BY(mutex_);
  std::optional<MonotonicTime> filled_ LH_GUARDED_BY(mutex_);
  uint32_t running_ LH_GUARDED_BY(mutex_) = 0;
};

Admission::Admission(std::shared_ptr<Meter> meter) : meter_(std::move(meter)) {}
Admission::Admission(Admission&& other) noexcept : meter_(std::move(other.meter_)) { other.meter_ = nullptr; }
Admission& Admission::operator=(Admission&& other) noexcept {
  std::swap(meter_, other.meter_);
  return *this;
}
Admission::~Admission() {
  if (meter_ != nullptr) meter_->Leave();
}

struct Access::State {
  struct Entry {
    KnownKey key;
    std::shared_ptr<Admission::Meter> meter;  // nullptr: no limits
  };
  using Keys = std::map<std::string, Entry, std::less<>>;

  State(Options access_options, const Clock& machine_clock)
      : options(std::move(access_options)),
        clock(machine_clock),
        closed(options.must_have_key || !options.fixed_keys.empty()) {
    for (const std::string& key : options.fixed_keys) fixed.push_back(Sha256Of(key));
  }

  std::optional<Principal> FindFixed(std::string_view key) const {
    if (fixed.empty()) return std::nullopt;
    const Sha256Digest shown = Sha256Of(key);
    size_t found = 0;
    for (size_t i = 0; i < fixed.size(); ++i) {
      if (SameDigest(shown, fixed[i])) found = i + 1;
    }
    if (found == 0) return std::nullopt;
    return Principal{fmt::format("environment-{}", found), fmt::format("environment-{}", found), Scope::kAdmin};
  }

  Result<Principal> FindStored(std::string_view text) const LH_EXCLUDES(mutex) {
    const auto unknown = [] { return Fail(ErrorKind::kUnauthenticated, "the API key is not one of ours"); };
    const auto parsed = ParseKey(text);
    if (!parsed) return unknown();
    ReaderLock lock(mutex);
    if (options.has_store && (!loaded || clock.Monotonic() > believed_until)) return NotRead();
    const auto found = keys.find(parsed->id);
    if (found == keys.end()) return unknown();
    const KnownKey& key = found->second.key;
    if (!SameDigest(HashSecret(key.salt, parsed->secret), key.hash)) return unknown();
    // Only who has the secret learns what has become of the key.
    if (key.revoked) return Fail(ErrorKind::kUnauthenticated, "the API key has been revoked");
    if (clock.Now() >= key.expires_at) {
      return Fail(ErrorKind::kUnauthenticated, "the API key expired at {}", FormatRfc3339(key.expires_at));
    }
    return Principal{key.id, key.name, key.scope};
  }

  const Options options;
  const Clock& clock;
  std::vector<Sha256Digest> fixed;
  // Read on every call without the lock: an open door costs nothing.
  std::atomic<bool> closed;
  std::atomic<bool> loaded{false};
  mutable SharedMutex mutex;
  Keys keys LH_GUARDED_BY(mutex);
  MonotonicTime believed_until LH_GUARDED_BY(mutex){};
};

Access::Access(Options options, const Clock& clock) : state_(std::make_unique<State>(std::move(options), clock)) {}
Access::~Access() = default;

Result<bool> Access::IsClosed() const {
  if (state_->closed.load(std::memory_order_acquire)) return true;
  if (state_->options.has_store && !state_->loaded.load(std::memory_order_acquire)) return NotRead();
  return false;
}

Result<Principal> Access::IdentifyKey(std::string_view key) const {
  LH_ASSIGN(const bool closed, IsClosed());
  if (!closed) return Principal{};
  if (key.empty()) {
    return Fail(ErrorKind::kUnauthenticated,
                "an API key is needed: send 'Authorization: Bearer <key>'; 'lakehouse keys create' makes one");
  }
  if (auto fixed = state_->FindFixed(key)) return std::move(*fixed);
  return state_->FindStored(key);
}

Result<Principal> Access::Identify(std::string_view authorization) const {
  const std::string_view trimmed = Trimmed(authorization);
  if (trimmed.empty() || StartsWithBearer(trimmed)) {
    return IdentifyKey(trimmed.empty() ? trimmed : Trimmed(trimmed.substr(kBearer.size())));
  }
  LH_ASSIGN(const bool closed, IsClosed());
  if (!closed) return Principal{};
  return Fail(ErrorKind::kUnauthenticated, "the Authorization header is not 'Bearer <key>'");
}

Result<Principal> Access::Check(std::string_view authorization, Scope needed) const {
  LH_ASSIGN(Principal caller, Identify(authorization));
  LH_TRY(CheckScope(caller, needed));
  return caller;
}

Result<Principal> Access::CheckKey(std::string_view key, Scope needed) const {
  LH_ASSIGN(Principal caller, IdentifyKey(key));
  LH_TRY(CheckScope(caller, needed));
  return caller;
}

Result<Admission> Access::Admit(const Principal& caller) const {
  if (caller.IsAnonymous()) return Admission();
  std::shared_ptr<Admission::Meter> meter;
  {
    ReaderLock lock(state_->mutex);
    const auto found = state_->keys.find(caller.key_id);
    if (found != state_->keys.end()) meter = found->second.meter;
  }
  if (meter == nullptr) return Admission();
  LH_TRY(meter->Enter(state_->clock.Monotonic()));
  return Admission(std::move(meter));
}

void Access::SetKeys(std::vector<KnownKey> keys) {
  State::Keys next;
  WriterLock lock(state_->mutex);
  for (KnownKey& key : keys) {
    Limits limits = key.limits;
    const Limits& usual = state_->options.default_limits;
    if (limits.calls_per_second == 0) limits.calls_per_second = usual.calls_per_second;
    if (limits.concurrent_calls == 0) limits.concurrent_calls = usual.concurrent_calls;
    State::Entry entry{std::move(key), nullptr};
    const auto before = state_->keys.find(entry.key.id);
    if (before != state_->keys.end() && before->second.meter != nullptr && before->second.meter->limits() == limits) {
      entry.meter = before->second.meter;
    } else if (limits != Limits{}) {
      entry.meter = std::make_shared<Admission::Meter>(limits);
    }
    std::string id = entry.key.id;
    next.emplace(std::move(id), std::move(entry));
  }
  state_->keys = std::move(next);
  state_->believed_until = state_->clock.Monotonic() + state_->options.trust_for;
  if (!state_->keys.empty()) state_->closed.store(true, std::memory_order_release);
  state_->loaded.store(true, std::memory_order_release);
}

}  // namespace lakehouse::auth
