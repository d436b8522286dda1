#include "flight/session.h"

#include "base/hash.h"
#include "flight/call.h"
#include "flight/ticket.h"

namespace lakehouse::flight {
namespace {

constexpr size_t kIdDigits = 32;

std::string_view Trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

bool IsId(std::string_view text) {
  return text.size() == kIdDigits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

std::string SessionIdOf(std::string_view cookie_header) {
  while (!cookie_header.empty()) {
    const size_t end = std::min(cookie_header.find(';'), cookie_header.size());
    const std::string_view pair = Trimmed(cookie_header.substr(0, end));
    cookie_header.remove_prefix(std::min(end + 1, cookie_header.size()));
    const size_t equals = pair.find('=');
    if (equals == std::string_view::npos || pair.substr(0, equals) != kSessionCookie) continue;
    std::string_view value = pair.substr(equals + 1);
    if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"')) value = value.substr(1, value.size() - 2);
    return IsId(value) ? std::string(value) : std::string();
  }
  return {};
}

Result<Sessions::Session*> Sessions::Find(const Caller& caller) {
  if (caller.session.empty()) return nullptr;
  const auto found = sessions_.find(caller.session);
  if (found == sessions_.end() || clock_.Monotonic() - found->second.used > kIdle) {
    return Fail(ErrorKind::kNotFound,
                "the session is closed, has expired, or is from before a restart; set its options again without the "
                "cookie {}",
                kSessionCookie);
  }
  if (found->second.principal != caller.principal.key_id) {
    return Fail(ErrorKind::kForbidden, "the session belongs to another API key");
  }
  found->second.used = clock_.Monotonic();
  return &found->second;
}

void Sessions::DropIdle() {
  const MonotonicTime now = clock_.Monotonic();
  std::erase_if(sessions_, [now](const auto& entry) { return now - entry.second.used > kIdle; });
}

Result<SessionOptions> Sessions::Options(const Caller& caller) {
  const MutexLock lock(mutex_);
  LH_ASSIGN(const Session* session, Find(caller));
  return session == nullptr ? SessionOptions{} : session->options;
}

Result<std::string> Sessions::Set(const Caller& caller, SessionOptions options) {
  const MutexLock lock(mutex_);
  LH_ASSIGN(Session * session, Find(caller));
  if (session != nullptr) {
    session->options = options;
    return caller.session;
  }
  if (sessions_.size() >= kMost) DropIdle();
  if (sessions_.size() >= kMost) {
    return Fail(ErrorKind::kUnavailable, "{} sessions are open, which is the most; close some", kMost);
  }
  LH_ASSIGN(const std::string random, RandomId());
  std::string id = ToHex(reinterpret_cast<const uint8_t*>(random.data()), random.size());
  sessions_[id] = Session{caller.principal.key_id, options, clock_.Monotonic()};
  return id;
}

Result<bool> Sessions::Close(const Caller& caller) {
  const MutexLock lock(mutex_);
  LH_ASSIGN(const Session* session, Find(caller));
  if (session == nullptr) return false;
  sessions_.erase(caller.session);
  return true;
}

}  // namespace lakehouse::flight
