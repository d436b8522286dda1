#include <algorithm>
#include <boost/json/serialize.hpp>
#include <optional>
#include <set>

#include "base/hash.h"
#include "base/json_value.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/progress.h"
#include "cli/text.h"
#include "net/retry.h"

namespace lakehouse::cli {

namespace json = boost::json;

namespace {

constexpr size_t kVerifyPieceBytes = 256 << 10;
constexpr size_t kDigestDigits = 64;

struct NamedObject {
  std::string dataset, key;
  uint64_t version = 0;
  uint64_t bytes = 0;
};

struct DamagedObject {
  NamedObject object;
  std::string why;
};

// ".../<SHA-256 in hexadecimal>-<commit id>.parquet": empty for keys that others gave.
std::string_view DigestIn(std::string_view key) {
  const std::string_view file = key.substr(key.rfind('/') + 1);
  if (file.size() <= kDigestDigits || file[kDigestDigits] != '-') return {};
  const std::string_view digest = file.substr(0, kDigestDigits);
  return digest.find_first_not_of("0123456789abcdef") == std::string_view::npos ? digest : std::string_view();
}

// Objects of datasets' versions, each once.
class ObjectList {
 public:
  Status Add(const json::value& manifest) {
    LH_ASSIGN(const auto fields, JsonFields::Of(manifest, "a dataset"));
    LH_ASSIGN(const std::string name, fields.String("name"));
    LH_ASSIGN(const uint64_t version, fields.Uint("version"));
    LH_ASSIGN(const json::array* objects, fields.Array("objects"));
    for (const json::value& item : *objects) {
      LH_ASSIGN(const auto object, JsonFields::Of(item, "an object"));
      LH_ASSIGN(std::string key, object.String("key"));
      LH_ASSIGN(const uint64_t bytes, object.Uint("size"));
      if (!keys_.insert(key).second) continue;
      bytes_ += bytes;
      objects_.push_back({name, std::move(key), version, bytes});
    }
    return {};
  }
  const std::vector<NamedObject>& objects() const { return objects_; }
  uint64_t bytes() const { return bytes_; }

 private:
  std::vector<NamedObject> objects_;
  std::set<std::string> keys_;
  uint64_t bytes_ = 0;
};

Result<json::value> VersionOf(Client& client, std::string_view name, uint64_t version) {
  return client.Json("GET", fmt::format("{}?version={}", ManifestPath(name), version));
}

bool IsGone(const Error& error) { return error.kind == ErrorKind::kNotFound; }

Status AddOlderVersions(Client& client, const std::string& name, ObjectList& list) {
  LH_ASSIGN(const json::value answer, client.Json("GET", ManifestPath(name) + "/snapshots"));
  LH_ASSIGN(const auto fields, JsonFields::Of(answer, "the server's answer"));
  LH_ASSIGN(const json::array* snapshots, fields.Array("snapshots"));
  for (const json::value& item : *snapshots) {
    LH_ASSIGN(const auto snapshot, JsonFields::Of(item, "a snapshot"));
    LH_ASSIGN(const uint64_t version, snapshot.Uint("version"));
    const auto older = VersionOf(client, name, version);
    if (!older && IsGone(older.error())) continue;  // let go meanwhile
    if (!older) return Fail(older.error());
    LH_TRY(list.Add(*older));
  }
  return {};
}

// Reads the object to its end; kInvalid says how its bytes are not those that were written.
Status ReadAndCompare(Client& client, const NamedObject& object, Progress& progress) {
  LH_ASSIGN(const auto response, client.Send({.path = ObjectPath(object.key)}));
  Sha256 hash;
  uint64_t bytes = 0;
  std::vector<char> piece(kVerifyPieceBytes);
  for (;;) {
    LH_ASSIGN(const size_t got, response->Read(piece));
    if (got == 0) break;
    hash.Update({piece.data(), got});
    bytes += got;
    progress.Advance(got);
  }
  if (bytes != object.bytes) return Fail(ErrorKind::kInvalid, "has {} bytes, not {}", bytes, object.bytes);
  const std::string_view wanted = DigestIn(object.key);
  if (!wanted.empty() && ToHex(hash.Finish()) != wanted)
    return Fail(ErrorKind::kInvalid, "its bytes are not those that were written (SHA-256)");
  return {};
}

bool IsStillNamed(Client& client, const NamedObject& object) {
  const auto manifest = VersionOf(client, object.dataset, object.version);
  if (!manifest) return !IsGone(manifest.error());
  ObjectList list;
  return !list.Add(*manifest) ||
         std::ranges::any_of(list.objects(), [&](const NamedObject& other) { return other.key == object.key; });
}

// Nothing where the object is whole, or nobody names it any more; an Error that is not about the object ends the
// command.
Result<std::optional<std::string>> DamageOf(Client& client, const NamedObject& object, Progress& progress) {
  const net::RetryPolicy patience{.tries = 6, .first_pause = std::chrono::milliseconds(200)};
  const Status read =
      net::WithRetries(RequestContext{}, patience, [&] { return ReadAndCompare(client, object, progress); });
  if (read) return std::nullopt;
  const Error& error = read.error();
  const ExitCode code = ExitCodeOf(error);
  if (code == ExitCode::kCannotConnect || code == ExitCode::kInterrupted) return Fail(error);
  switch (error.kind) {
    case ErrorKind::kNotFound:
      if (!IsStillNamed(client, object)) return std::nullopt;
      return "is not there";
    case ErrorKind::kInvalid:   // found here
    case ErrorKind::kInternal:  // found by the store, before it began to answer
    case ErrorKind::kUpstream:  // and after: it breaks the answer off, each time
    case ErrorKind::kAmbiguous:
      return error.detail;
    default:
      return Fail(error);
  }
}

Status Report(Console& console, const GlobalOptions& global, const ObjectList& list,
              const std::vector<DamagedObject>& damaged) {
  if (global.json) {
    json::array rows;
    for (const auto& [object, why] : damaged) {
      rows.push_back({{"dataset", object.dataset}, {"version", object.version}, {"key", object.key}, {"why", why}});
    }
    const json::object answer{
        {"objects", list.objects().size()}, {"bytes", list.bytes()}, {"damaged", std::move(rows)}};
    return console.Write(json::serialize(answer) + "\n");
  }
  for (const auto& [object, why] : damaged) {
    LH_TRY(console.Write(fmt::format("{} version {}: {}: {}\n", Printable(object.dataset), object.version,
                                     Printable(object.key), Printable(why))));
  }
  return {};
}

Result<json::array> ManifestsOf(Client& client, const std::vector<std::string>& names) {
  if (names.empty()) return AllDatasets(client);
  json::array manifests;
  for (const std::string& name : names) {
    LH_ASSIGN(manifests.emplace_back(nullptr), client.Json("GET", ManifestPath(name)));
  }
  return manifests;
}

Result<ObjectList> ObjectsOf(Client& client, const json::array& manifests, bool all_versions) {
  ObjectList list;
  for (const json::value& manifest : manifests) {
    LH_TRY(list.Add(manifest));
    if (!all_versions) continue;
    LH_ASSIGN(const auto fields, JsonFields::Of(manifest, "a dataset"));
    LH_ASSIGN(const std::string name, fields.String("name"));
    const Status older = AddOlderVersions(client, name, list);
    if (!older && !IsGone(older.error())) return Fail(older.error());  // else dropped meanwhile
  }
  return list;
}

}  // namespace

Status RunVerify(Client& client, Console& console, const GlobalOptions& global, const VerifyOptions& options) {
  LH_ASSIGN(const json::array manifests, ManifestsOf(client, options.names));
  LH_ASSIGN(const ObjectList list, ObjectsOf(client, manifests, options.all_versions));
  std::vector<DamagedObject> damaged;
  Status ended;
  {
    Progress progress({console.err(), console.err_is_terminal(), console.err_width()}, "verifying", list.bytes(),
                      SystemClock());
    for (const NamedObject& object : list.objects()) {
      auto damage = DamageOf(client, object, progress);
      if (damage && *damage) damaged.push_back({object, *std::move(*damage)});
      if (damage) continue;
      ended = Fail(damage.error());
      break;
    }
  }
  // What was found is said, also when the rest cannot be looked at.
  if (ended || !damaged.empty()) LH_TRY(Report(console, global, list, damaged));
  LH_TRY(ended);
  if (!damaged.empty()) {
    return Fail(ErrorKind::kInvalid, "{} of {} objects cannot be read as they were written", damaged.size(),
                list.objects().size());
  }
  if (global.json) return {};
  return console.Write(fmt::format("{} objects of {} datasets, {}: all as they were written\n",
                                   Grouped(list.objects().size()), Grouped(manifests.size()),
                                   HumanBytes(list.bytes())));
}

}  // namespace lakehouse::cli
