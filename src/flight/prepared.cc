#include "flight/prepared.h"

#include "flight/call.h"
#include "flight/ticket.h"

namespace lakehouse::flight {

PreparedStatements::Entries::iterator PreparedStatements::Erase(Entries::iterator entry) {
  bytes_ -= entry->second.text_bytes + entry->second.bound_bytes;
  return entries_.erase(entry);
}

Status PreparedStatements::MakeRoom(uint64_t bytes) {
  if (entries_.size() < kMost && bytes_ + bytes <= kMostBytes) return {};
  const MonotonicTime now = clock_.Monotonic();
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    entry = now - entry->second.used > kIdle ? Erase(entry) : std::next(entry);
  }
  if (entries_.size() < kMost && bytes_ + bytes <= kMostBytes) return {};
  return Fail(
      ErrorKind::kUnavailable,
      "prepared statements and what is bound to them would take more than {} statements or {} bytes; close some, "
      "or bind fewer rows",
      kMost, kMostBytes);
}

Result<PreparedStatements::Entry*> PreparedStatements::Find(const Caller& caller, std::string_view handle) {
  const auto found = entries_.find(handle);
  const bool fits = found != entries_.end() && found->second.principal == caller.principal.key_id &&
                    (found->second.session.empty() || found->second.session == caller.session);
  if (!fits) {
    return Fail(ErrorKind::kNotFound,
                "there is no such prepared statement: it was closed, was not used for an hour, or is another client's");
  }
  found->second.used = clock_.Monotonic();
  return &found->second;
}

Result<std::string> PreparedStatements::Add(const Caller& caller, std::string sql, size_t parameters) {
  LH_ASSIGN(std::string handle, RandomId());
  const MutexLock lock(mutex_);
  LH_TRY(MakeRoom(sql.size()));
  Entry entry;
  entry.text_bytes = sql.size();
  entry.statement = {std::move(sql), parameters, nullptr};
  entry.principal = caller.principal.key_id;
  entry.session = caller.session;
  entry.used = clock_.Monotonic();
  bytes_ += entry.text_bytes;
  entries_.emplace(handle, std::move(entry));
  return handle;
}

Result<PreparedStatement> PreparedStatements::Get(const Caller& caller, std::string_view handle) {
  const MutexLock lock(mutex_);
  LH_ASSIGN(const Entry* entry, Find(caller, handle));
  return entry->statement;
}

Status PreparedStatements::Bind(const Caller& caller, std::string_view handle, ParameterRows rows, uint64_t bytes) {
  auto bound = std::make_shared<const ParameterRows>(std::move(rows));
  const MutexLock lock(mutex_);
  LH_ASSIGN(Entry * entry, Find(caller, handle));
  bytes_ -= std::exchange(entry->bound_bytes, 0);
  entry->statement.rows = nullptr;
  // The entry was used just now, so it is not among those that make room.
  if (bytes_ + bytes > kMostBytes) LH_TRY(MakeRoom(bytes));
  bytes_ += bytes;
  entry->bound_bytes = bytes;
  entry->statement.rows = std::move(bound);
  return {};
}

Status PreparedStatements::Close(const Caller& caller, std::string_view handle) {
  const MutexLock lock(mutex_);
  LH_TRY(Find(caller, handle));
  Erase(entries_.find(handle));
  return {};
}

void PreparedStatements::CloseSession(std::string_view session) {
  const MutexLock lock(mutex_);
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    entry = !session.empty() && entry->second.session == session ? Erase(entry) : std::next(entry);
  }
}

size_t PreparedStatements::size() const {
  const MutexLock lock(mutex_);
  return entries_.size();
}

}  // namespace lakehouse::flight
