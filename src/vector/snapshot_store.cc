#include "vector/snapshot_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/json_value.h"
#include "vector/items_parquet.h"

namespace lakehouse::vector {
namespace {

constexpr uint64_t kMaxObjectBytes = uint64_t{128} << 20;
constexpr uint64_t kItemsBytes = uint64_t{96} << 20;
constexpr std::string_view kManifestName = "manifest.json";

void WriteObjects(JsonWriter& json, const std::vector<SnapshotManifest::Object>& objects) {
  json.BeginArray();
  for (const auto& object : objects) {
    json.BeginObject().Key("name").String(object.name).Key("bytes").Number(object.bytes);
    // Text: 64 bits do not fit the numbers of many readers.
    json.Key("xxh3").String(fmt::format("{:016x}", object.checksum)).EndObject();
  }
  json.EndArray();
}

std::string ToJson(const SnapshotManifest& manifest) {
  std::string text;
  JsonWriter json(text);
  json.BeginObject().Key("format").Number(1).Key("version").Number(manifest.version);
  json.Key("epoch").Number(manifest.log.epoch).Key("number").Number(manifest.log.number);
  WriteObjects(json.Key("segment"), manifest.segment);
  WriteObjects(json.Key("items"), manifest.items);
  json.EndObject();
  return text;
}

Result<std::vector<SnapshotManifest::Object>> ReadObjects(const JsonFields& fields, std::string_view name) {
  std::vector<SnapshotManifest::Object> objects;
  LH_ASSIGN(const auto* array, fields.Array(name));
  for (const auto& value : *array) {
    LH_ASSIGN(const auto object, JsonFields::Of(value, name));
    SnapshotManifest::Object read;
    LH_ASSIGN(read.name, object.String("name"));
    LH_ASSIGN(read.bytes, object.Uint("bytes"));
    LH_ASSIGN(const std::string checksum, object.String("xxh3"));
    read.checksum = std::strtoull(checksum.c_str(), nullptr, 16);
    if (read.bytes > 2 * kMaxObjectBytes || read.name.find('/') != std::string::npos) {
      return Fail(ErrorKind::kInternal, "an object of the vector snapshot has an impossible name or size");
    }
    objects.push_back(std::move(read));
  }
  return objects;
}

Result<SnapshotManifest> FromJson(std::string name, std::string_view text) {
  LH_ASSIGN(const auto value, ParseJson(text));
  LH_ASSIGN(const auto fields, JsonFields::Of(value, "the manifest"));
  LH_ASSIGN(const uint64_t format, fields.Uint("format"));
  if (format != 1) return Fail(ErrorKind::kInternal, "the vector snapshot has format {}; this program reads 1", format);
  SnapshotManifest manifest;
  manifest.name = std::move(name);
  LH_ASSIGN(manifest.version, fields.Uint("version"));
  LH_ASSIGN(const uint64_t epoch, fields.Uint("epoch"));
  manifest.log.epoch = static_cast<uint32_t>(epoch);
  LH_ASSIGN(manifest.log.number, fields.Uint("number"));
  LH_ASSIGN(manifest.segment, ReadObjects(fields, "segment"));
  LH_ASSIGN(manifest.items, ReadObjects(fields, "items"));
  return manifest;
}

}  // namespace

Result<std::optional<SnapshotManifest>> SnapshotStore::Newest(const RequestContext& context) {
  std::string newest;
  const auto look = [&](const object::ObjectInfo& object) -> Result<object::Listing> {
    if (object.key.ends_with(std::string("/") + std::string(kManifestName))) newest = object.key;
    return object::Listing::kGoOn;
  };
  LH_TRY(object::ForEachObject(store_, context, {.prefix = prefix_}, look));
  if (newest.empty()) return std::nullopt;
  LH_ASSIGN(const std::string text, object::GetWhole(store_, context, newest));
  const size_t name_bytes = newest.size() - prefix_.size() - kManifestName.size() - 1;
  LH_ASSIGN(auto manifest, FromJson(newest.substr(prefix_.size(), name_bytes), text));
  return manifest;
}

Result<std::string> SnapshotStore::ReadObject(const RequestContext& context, const SnapshotManifest& manifest,
                                              const SnapshotManifest::Object& object) {
  LH_ASSIGN(std::string bytes,
            object::GetWhole(store_, context, prefix_ + manifest.name + "/" + object.name, 2 * kMaxObjectBytes));
  if (bytes.size() != object.bytes || Xxh3(bytes) != object.checksum) {
    return Fail(ErrorKind::kInternal, "object {} of the vector snapshot {} is damaged: its checksum does not match",
                object.name, manifest.name);
  }
  return bytes;
}

Result<std::string> SnapshotStore::ReadItems(const RequestContext& context, const SnapshotManifest& manifest,
                                             size_t object) {
  return ReadObject(context, manifest, manifest.items[object]);
}

Status SnapshotStore::Fetch(const RequestContext& context, const SnapshotManifest& manifest,
                            const std::filesystem::path& path) {
  std::filesystem::path beside = path;
  beside += ".new";
  const FileDescriptor file(open(beside.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file.valid()) return Fail(ErrnoError(errno, "making a vector segment"));
  const auto copy = [&]() -> Status {
    for (const auto& object : manifest.segment) {
      LH_ASSIGN(const std::string bytes, ReadObject(context, manifest, object));
      LH_TRY(WriteFully(file.get(), bytes));
    }
    if (fsync(file.get()) != 0 || rename(beside.c_str(), path.c_str()) != 0) {
      return Fail(ErrnoError(errno, "storing a vector segment"));
    }
    return {};
  };
  const Status copied = copy();
  if (!copied) unlink(beside.c_str());
  return copied;
}

Result<SnapshotManifest::Object> SnapshotStore::Put(const RequestContext& context, const std::string& folder,
                                                    std::string name, std::string_view bytes) {
  LH_TRY(context.Check("a snapshot"));
  const auto stored = object::PutWhole(store_, context, folder + name, bytes);
  if (!stored) return Fail(stored.error());
  return SnapshotManifest::Object{std::move(name), bytes.size(), Xxh3(bytes)};
}

Result<SnapshotManifest> SnapshotStore::Store(const RequestContext& context, const std::string& name,
                                              const IndexCapture& capture, const std::filesystem::path& segment) {
  const std::string folder = prefix_ + name + "/";
  SnapshotManifest manifest{name, capture.version, capture.log, {}, {}};
  const FileDescriptor file(open(segment.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return Fail(ErrnoError(errno, "reading a vector segment"));
  struct stat info{};
  if (fstat(file.get(), &info) != 0) return Fail(ErrnoError(errno, "reading a vector segment"));
  std::string bytes;
  for (uint64_t at = 0; at < static_cast<uint64_t>(info.st_size); at += bytes.size()) {
    bytes.resize(std::min(kMaxObjectBytes, static_cast<uint64_t>(info.st_size) - at));
    LH_TRY(ReadFullyAt(file.get(), bytes.data(), bytes.size(), at));
    LH_ASSIGN(auto object, Put(context, folder, fmt::format("segment-{:05}", manifest.segment.size()), bytes));
    manifest.segment.push_back(std::move(object));
  }
  for (Slot from = 0; from < capture.slots;) {
    LH_ASSIGN(const std::string items, EncodeItems(capture, from, kItemsBytes));
    if (items.empty()) break;
    LH_ASSIGN(auto object, Put(context, folder, fmt::format("items-{:05}.parquet", manifest.items.size()), items));
    manifest.items.push_back(std::move(object));
  }
  object::PutOptions options;
  options.content_type = "application/json";
  const auto stored = object::PutWhole(store_, context, folder + std::string(kManifestName), ToJson(manifest), options);
  if (!stored) return Fail(stored.error());
  return manifest;
}

Status SnapshotStore::DropOlder(const RequestContext& context, const SnapshotManifest& manifest) {
  std::vector<std::string> manifests, others;
  const auto sort = [&](const object::ObjectInfo& object) -> Result<object::Listing> {
    // In byte order: what follows is this snapshot or newer.
    if (object.key >= prefix_ + manifest.name) return object::Listing::kEnough;
    (object.key.ends_with(kManifestName) ? manifests : others).push_back(object.key);
    return object::Listing::kGoOn;
  };
  LH_TRY(object::ForEachObject(store_, context, {.prefix = prefix_}, sort));
  // Manifests first: what is left half deleted is no snapshot any more.
  for (const auto* keys : {&manifests, &others}) {
    for (const std::string& key : *keys) LH_TRY(store_.Delete(context, key));
  }
  return {};
}

}  // namespace lakehouse::vector
