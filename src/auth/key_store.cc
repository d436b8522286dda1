#include "auth/key_store.h"

#include <algorithm>
#include <set>

#include "auth/key.h"
#include "base/json.h"
#include "base/json_value.h"
#include "base/utf8.h"
#include "config/units.h"
#include "object/key.h"

namespace lakehouse::auth {

namespace {

constexpr std::string_view kRecordEnd = ".json";
constexpr std::string_view kRevokedEnd = ".revoked";
constexpr uint64_t kMaxRecordBytes = 16 << 10;
constexpr size_t kMaxKeys = 10000;
constexpr size_t kMaxNameBytes = 128;
constexpr uint64_t kMaxLimit = 1'000'000;
constexpr std::chrono::hours kMaxExpiry{24 * 3660};

std::string PathOf(std::string_view id, std::string_view end) {
  return std::string(object::kPrivateKeyPrefix) + "keys/" + std::string(id) + std::string(end);
}

Status CheckName(std::string_view name) {
  const bool printable = std::ranges::none_of(name, [](char c) { return static_cast<unsigned char>(c) < ' '; });
  if (name.empty() || name.size() > kMaxNameBytes || !printable || FindInvalidUtf8(name)) {
    return Fail(ErrorKind::kInvalid, "a key's name is 1 to {} bytes of text without control characters", kMaxNameBytes);
  }
  return {};
}

Result<uint32_t> LimitOf(const JsonFields& fields, std::string_view name) {
  LH_ASSIGN(const auto value, fields.OptionalUint(name));
  if (value.value_or(0) > kMaxLimit) return Fail(ErrorKind::kInvalid, "{} is at most {}", name, kMaxLimit);
  return static_cast<uint32_t>(value.value_or(0));
}

void AppendRecord(JsonWriter& json, const KeyRecord& record) {
  const KnownKey& key = record.key;
  json.Key("id").String(key.id).Key("name").String(key.name).Key("scope").String(ScopeName(key.scope));
  json.Key("rate").Number(key.limits.calls_per_second).Key("concurrency").Number(key.limits.concurrent_calls);
  json.Key("created_at").String(FormatRfc3339(record.created_at)).Key("expires_at");
  if (key.expires_at == WallTime::max()) {
    json.Null();
  } else {
    json.String(FormatRfc3339(key.expires_at));
  }
}

// What is stored: the record, and what the secret is checked with.
std::string StoredJson(const KeyRecord& record) {
  std::string text;
  JsonWriter json(text);
  json.BeginObject().Key("format").Number(1);
  AppendRecord(json, record);
  json.Key("salt").String(record.key.salt).Key("hash").String(ToHex(record.key.hash)).EndObject();
  return text;
}

std::optional<Sha256Digest> DigestOf(std::string_view hex) {
  Sha256Digest digest{};
  if (hex.size() != digest.size() * 2) return std::nullopt;
  const auto value = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
  for (size_t i = 0; i < digest.size(); ++i) {
    const int high = value(hex[2 * i]);
    const int low = value(hex[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    digest[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return digest;
}

Result<KeyRecord> ParseStored(std::string_view text, const std::string& id) {
  LH_ASSIGN(const auto parsed, ParseJson(text));
  LH_ASSIGN(const auto fields, JsonFields::Of(parsed, "the key's record"));
  LH_ASSIGN(const uint64_t format, fields.Uint("format"));
  if (format != 1) return Fail(ErrorKind::kInvalid, "a key's record of an unknown format, {}", format);
  KeyRecord record;
  LH_ASSIGN(record.key.id, fields.String("id"));
  if (record.key.id != id) return Fail(ErrorKind::kInvalid, "a key's record under another key's name");
  LH_ASSIGN(record.key.name, fields.String("name"));
  LH_ASSIGN(const std::string scope, fields.String("scope"));
  LH_ASSIGN(record.key.scope, ParseScope(scope));
  LH_ASSIGN(record.key.limits.calls_per_second, LimitOf(fields, "rate"));
  LH_ASSIGN(record.key.limits.concurrent_calls, LimitOf(fields, "concurrency"));
  LH_ASSIGN(const std::string created, fields.String("created_at"));
  LH_ASSIGN(record.created_at, ParseRfc3339(created));
  LH_ASSIGN(const auto expires, fields.OptionalString("expires_at"));
  if (expires) {
    LH_ASSIGN(record.key.expires_at, ParseRfc3339(*expires));
  }
  LH_ASSIGN(record.key.salt, fields.String("salt"));
  LH_ASSIGN(const std::string hash, fields.String("hash"));
  const auto digest = DigestOf(hash);
  if (!digest || record.key.salt.size() < 16) return Fail(ErrorKind::kInvalid, "a key's record with a broken hash");
  record.key.hash = *digest;
  return record;
}

// Stands for an object that cannot be read as a key: it opens nothing, and shows in the list.
KeyRecord Unusable(const object::ObjectInfo& info, std::string_view id) {
  KeyRecord record;
  record.key.id = id;
  record.key.name = "(not a readable key)";
  record.key.revoked = true;
  record.created_at = info.last_modified;
  record.revoked_at = info.last_modified;
  return record;
}

}  // namespace

Result<KeyRequest> ParseKeyRequest(std::string_view json) {
  LH_ASSIGN(const auto parsed, ParseJson(json));
  LH_ASSIGN(const auto fields, JsonFields::Of(parsed, "the request body"));
  for (const auto& member : parsed.get_object()) {
    constexpr std::string_view kKnown[] = {"name", "scope", "rate", "concurrency", "expires"};
    if (std::ranges::find(kKnown, std::string_view(member.key())) == std::end(kKnown))
      return Fail(ErrorKind::kInvalid, "unknown member \"{}\"", std::string_view(member.key()));
  }
  KeyRequest request;
  LH_ASSIGN(request.name, fields.String("name"));
  LH_ASSIGN(const std::string scope, fields.String("scope"));
  LH_ASSIGN(request.scope, ParseScope(scope));
  LH_ASSIGN(request.limits.calls_per_second, LimitOf(fields, "rate"));
  LH_ASSIGN(request.limits.concurrent_calls, LimitOf(fields, "concurrency"));
  LH_ASSIGN(const auto expires, fields.OptionalString("expires"));
  if (expires) {
    auto duration = config::ParseDuration(*expires);
    if (!duration) return Fail(std::move(duration).error().In("expires"));
    request.expires_in = *duration;
  }
  return request;
}

std::string KeyJson(const KeyRecord& record, std::string_view text) {
  std::string out;
  JsonWriter json(out);
  json.BeginObject();
  AppendRecord(json, record);
  json.Key("revoked_at");
  if (record.revoked_at) {
    json.String(FormatRfc3339(*record.revoked_at));
  } else {
    json.Null();
  }
  if (!text.empty()) json.Key("key").String(text);
  json.EndObject();
  return out;
}

std::string KeysJson(const std::vector<KeyRecord>& records) {
  std::string out;
  JsonWriter json(out);
  json.BeginObject().Key("keys").BeginArray();
  for (const KeyRecord& record : records) json.Raw(KeyJson(record));
  json.EndArray().EndObject();
  return out;
}

Result<CreatedKey> KeyStore::Create(const RequestContext& context, const KeyRequest& request) {
  LH_TRY(CheckName(request.name));
  if (request.expires_in && (*request.expires_in <= std::chrono::milliseconds(0) || *request.expires_in > kMaxExpiry)) {
    return Fail(ErrorKind::kInvalid, "a key expires after 1ms to 3660d, or not at all");
  }
  LH_ASSIGN(const auto before, List(context));
  if (before.size() >= kMaxKeys) return Fail(ErrorKind::kConflict, "there are {} keys already", before.size());
  LH_ASSIGN(NewKey made, MakeKey());
  CreatedKey created;
  created.text = std::move(made.text);
  created.record.key = std::move(made.known);
  created.record.key.name = request.name;
  created.record.key.scope = request.scope;
  created.record.key.limits = request.limits;
  created.record.created_at = clock_.Now();
  if (request.expires_in) created.record.key.expires_at = created.record.created_at + *request.expires_in;
  object::PutOptions options;
  options.content_type = "application/json";
  options.if_none_match = true;
  LH_TRY(object::PutWhole(store_, context, PathOf(created.record.key.id, kRecordEnd), StoredJson(created.record),
                          options));
  return created;
}

Result<KeyRecord> KeyStore::Read(const RequestContext& context, const std::string& id) {
  {
    MutexLock lock(mutex_);
    if (const auto known = read_.find(id); known != read_.end()) return known->second;
  }
  LH_ASSIGN(const std::string text, object::GetWhole(store_, context, PathOf(id, kRecordEnd), kMaxRecordBytes));
  LH_ASSIGN(KeyRecord record, ParseStored(text, id));
  MutexLock lock(mutex_);
  read_.emplace(id, record);
  return record;
}

Result<std::vector<KeyRecord>> KeyStore::List(const RequestContext& context) {
  std::map<std::string, object::ObjectInfo> records;
  std::map<std::string, WallTime> revoked;
  object::ListOptions list;
  list.prefix = PathOf("", "");
  LH_TRY(object::ForEachObject(store_, context, list, [&](const object::ObjectInfo& info) -> Result<object::Listing> {
    const std::string_view name = std::string_view(info.key).substr(list.prefix.size());
    const size_t dot = std::min(name.find('.'), name.size());
    std::string id(name.substr(0, dot));
    if (name.substr(dot) == kRevokedEnd) {
      revoked.emplace(std::move(id), info.last_modified);
    } else {
      records.emplace(std::move(id), info);
    }
    return records.size() > 2 * kMaxKeys ? object::Listing::kEnough : object::Listing::kGoOn;
  }));
  std::vector<KeyRecord> found;
  for (const auto& [id, info] : records) {
    auto record = IsKeyId(id) ? Read(context, id) : Fail(ErrorKind::kInvalid, "no key");
    if (!record && record.error().kind == ErrorKind::kNotFound) continue;
    if (!record && record.error().kind != ErrorKind::kInvalid && record.error().kind != ErrorKind::kTooLarge) {
      return Fail(std::move(record).error());
    }
    found.push_back(record ? std::move(*record) : Unusable(info, id));
    if (const auto ended = revoked.find(id); ended != revoked.end()) {
      found.back().key.revoked = true;
      found.back().revoked_at = ended->second;
    }
  }
  std::ranges::sort(found, [](const KeyRecord& a, const KeyRecord& b) {
    return std::pair(a.created_at, std::string_view(a.key.id)) < std::pair(b.created_at, std::string_view(b.key.id));
  });
  return found;
}

Status KeyStore::Revoke(const RequestContext& context, std::string_view id) {
  const auto unknown = [&] { return Fail(ErrorKind::kNotFound, "no key has the id \"{}\"", id); };
  if (!IsKeyId(id)) return unknown();
  const auto there = store_.Head(context, PathOf(id, kRecordEnd));
  if (!there && there.error().kind == ErrorKind::kNotFound) return unknown();
  if (!there) return Fail(there.error());
  object::PutOptions options;
  options.content_type = "application/json";
  options.if_none_match = true;
  const auto written = object::PutWhole(store_, context, PathOf(id, kRevokedEnd), "{}", options);
  if (!written && written.error().kind != ErrorKind::kPreconditionFailed) return Fail(written.error());
  return {};
}

}  // namespace lakehouse::auth
