// API keys as objects of the store: made, listed, revoked. docs/formats.md, "API keys", has the bytes.
//
// A key is ".lakehouse/keys/<id>.json", written once; ".lakehouse/keys/<id>.revoked" beside it ends it. Nothing is ever
// overwritten, so who revokes never races with who makes, and any number of processes may do both. Thread-safe;
// blocking. Errors are the store's; kNotFound and kInvalid where a method says so.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/access.h"
#include "base/mutex.h"
#include "base/request_context.h"
#include "object/object_store.h"

namespace lakehouse::auth {

struct KeyRecord {
  KnownKey key;
  WallTime created_at{};
  std::optional<WallTime> revoked_at;
};

struct KeyRequest {
  std::string name;  // for people: 1 to 128 characters without control bytes
  Scope scope = Scope::kRead;
  Limits limits{};
  std::optional<std::chrono::milliseconds> expires_in{};
};
// {"name","scope","rate","concurrency","expires"}; kInvalid naming what is wrong.
Result<KeyRequest> ParseKeyRequest(std::string_view json);

struct CreatedKey {
  KeyRecord record;
  std::string text;  // the whole key, this once
};

// {"id","name","scope","rate","concurrency","created_at","expires_at","revoked_at"}; with "key" when `text` is given.
std::string KeyJson(const KeyRecord& record, std::string_view text = {});
// {"keys":[…]}
std::string KeysJson(const std::vector<KeyRecord>& records);

class KeyStore {
 public:
  // REQUIRES: store and clock outlive it.
  KeyStore(object::ObjectStore& store, const Clock& clock) : store_(store), clock_(clock) {}

  // kInvalid for a request that breaks a rule; kConflict when there are too many keys.
  Result<CreatedKey> Create(const RequestContext& context, const KeyRequest& request);
  // Oldest first, revoked ones too. An object that is no key of ours is one that nobody can use.
  Result<std::vector<KeyRecord>> List(const RequestContext& context) LH_EXCLUDES(mutex_);
  // Also succeeds when it is revoked already. kNotFound for an id that no key has.
  Status Revoke(const RequestContext& context, std::string_view id);

 private:
  Result<KeyRecord> Read(const RequestContext& context, const std::string& id) LH_EXCLUDES(mutex_);

  object::ObjectStore& store_;
  const Clock& clock_;
  Mutex mutex_;
  std::map<std::string, KeyRecord> read_ LH_GUARDED_BY(mutex_);  // records never change once written
};

}  // namespace lakehouse::auth
