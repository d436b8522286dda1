#include "query/test_lake.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "base/ascii.h"
#include "base/uuid.h"
#include "query/duckdb_internal.h"

namespace lakehouse::query {
namespace {

class TestReader final : public object::ObjectReader {
 public:
  TestReader(object::ObjectInfo info, std::string bytes, uint64_t offset)
      : info_(std::move(info)), bytes_(std::move(bytes)), offset_(offset), source_(bytes_) {}
  const object::ObjectInfo& info() const override { return info_; }
  uint64_t offset() const override { return offset_; }
  uint64_t length() const override { return bytes_.size(); }
  Result<size_t> Read(std::span<char> out) override { return source_.Read(out); }

 private:
  const object::ObjectInfo info_;
  const std::string bytes_;
  const uint64_t offset_;
  StringSource source_;
};

}  // namespace

Result<object::PutResult> TestStore::Put(const RequestContext&, std::string_view key, ByteSource& body,
                                         const object::PutOptions&) {
  LH_ASSIGN(auto bytes, ReadAll(body, uint64_t{1} << 30));
  object::PutResult result;
  result.info = {std::string(key), bytes.size(), "e", {}, ""};
  objects_[std::string(key)] = std::move(bytes);
  return result;
}

Result<std::unique_ptr<object::ObjectReader>> TestStore::Get(const RequestContext& context, std::string_view key,
                                                             const object::GetOptions& options) {
  LH_TRY(context.Check("reading"));
  ++gets;
  if (failure) return Fail(*failure);
  const auto found = objects_.find(key);
  if (found == objects_.end()) return Fail(ErrorKind::kNotFound, "no object {}", key);
  const auto range = options.range.value_or(object::ByteRange{});
  if (range.offset >= found->second.size()) return Fail(ErrorKind::kRangeNotSatisfiable, "past the end of {}", key);
  object::ObjectInfo info{std::string(key), found->second.size(), "e", {}, ""};
  return std::make_unique<TestReader>(
      std::move(info), found->second.substr(range.offset, range.length.value_or(std::string::npos)), range.offset);
}

Result<object::ObjectInfo> TestStore::Head(const RequestContext&, std::string_view key) {
  ++heads;
  const auto found = objects_.find(key);
  if (found == objects_.end()) return Fail(ErrorKind::kNotFound, "no object {}", key);
  return object::ObjectInfo{std::string(key), found->second.size(), "e", {}, ""};
}

Result<object::ListPage> TestStore::List(const RequestContext&, const object::ListOptions&) {
  return object::ListPage{};
}

Status TestStore::Delete(const RequestContext&, std::string_view key) {
  if (const auto found = objects_.find(key); found != objects_.end()) objects_.erase(found);
  return {};
}

struct TestLake::State final : catalog::LakeView {
  using Versions = std::vector<std::pair<catalog::Snapshot, std::shared_ptr<const catalog::Manifest>>>;

  Seq seq() const override { return at; }
  std::shared_ptr<const catalog::Manifest> Find(std::string_view name) const override {
    const auto found = current.find(AsciiLower(name));
    return found == current.end() ? nullptr : found->second;
  }
  Result<std::shared_ptr<const catalog::Manifest>> FindVersion(std::string_view name,
                                                               DatasetVersion version) const override {
    if (const auto found = versions.find(AsciiLower(name)); found != versions.end()) {
      for (const auto& [snapshot, manifest] : found->second) {
        if (snapshot.version == version) return manifest;
      }
    }
    return Fail(ErrorKind::kNotFound, "dataset '{}' has no version {}", name, version.value);
  }
  std::vector<std::string> Names() const override {
    std::vector<std::string> names;
    for (const auto& [name, manifest] : current) names.push_back(manifest->name);
    return names;
  }
  std::vector<catalog::Snapshot> Snapshots(std::string_view name) const override {
    std::vector<catalog::Snapshot> snapshots;
    if (const auto found = versions.find(AsciiLower(name)); found != versions.end()) {
      for (const auto& version : found->second) snapshots.insert(snapshots.begin(), version.first);
    }
    return snapshots;
  }

  Seq at;
  std::map<std::string, std::shared_ptr<const catalog::Manifest>> current;
  std::map<std::string, Versions> versions;
};

TestLake::TestLake() {
  std::string folder = (std::filesystem::temp_directory_path() / "query_test_XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) std::abort();
  folder_ = folder;
  states_.push_back(std::make_shared<State>());
}

TestLake::~TestLake() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void TestLake::Add(const std::string& name, const std::string& select, catalog::WriteMode mode) {
  const auto file = folder_ / fmt::format("{}.parquet", files_++);
  duckdb::DuckDB database;
  duckdb::Connection connection(database);
  const auto run = [&](const std::string& sql) {
    auto result = connection.Query(sql);
    if (result->HasError()) result->ThrowError();
    return result;
  };
  run("SET TimeZone='UTC'");
  run(fmt::format("COPY ({}) TO '{}' (FORMAT parquet)", select, file.string()));
  const auto described = run(fmt::format("DESCRIBE ({})", select));
  const auto counted = run(fmt::format("SELECT count(*) FROM '{}'", file.string()));

  std::ifstream stream(file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  const std::string key = fmt::format("datasets/{}/{}.parquet", name, files_);
  (void)PutWhole(store_, {}, key, bytes);

  catalog::Manifest manifest;
  manifest.name = name;
  manifest.schema_fingerprint = "f";
  for (duckdb::idx_t i = 0; i < described->RowCount(); ++i) {
    manifest.schema.push_back({described->GetValue(0, i).ToString(), described->GetValue(1, i).ToString(), true,
                               static_cast<int32_t>(i + 1)});
  }
  manifest.row_count = counted->GetValue(0, 0).GetValue<uint64_t>();
  manifest.objects.push_back({key, bytes.size(), manifest.row_count, {}});
  Register(std::move(manifest), mode);
}

void TestLake::Register(catalog::Manifest manifest, catalog::WriteMode mode) {
  auto next = in_place_ ? states_.back() : std::make_shared<State>(*states_.back());
  if (!in_place_) next->at = Seq(states_.size());
  auto& versions = next->versions[AsciiLower(manifest.name)];
  const auto before = next->Find(manifest.name);
  if (before && mode == catalog::WriteMode::kAppend) {
    manifest.objects.insert(manifest.objects.begin(), before->objects.begin(), before->objects.end());
    manifest.row_count += before->row_count;
  }
  manifest.dataset_id = DatasetUuid(manifest.name);
  manifest.version = DatasetVersion(versions.size() + 1);
  manifest.seq = next->at;
  manifest.created_at = WallTime(std::chrono::seconds(1'700'000'000));
  manifest.updated_at = manifest.created_at;
  auto shared = std::make_shared<const catalog::Manifest>(std::move(manifest));
  catalog::Snapshot snapshot;
  snapshot.version = shared->version;
  snapshot.seq = next->at;
  snapshot.row_count = shared->row_count;
  snapshot.committed_at = shared->created_at;
  snapshot.mode = mode;
  versions.emplace_back(snapshot, shared);
  next->current[AsciiLower(shared->name)] = shared;
  if (!in_place_) states_.push_back(std::move(next));
}

void TestLake::RegisterQuietly(catalog::Manifest manifest) {
  in_place_ = true;
  Register(std::move(manifest));
  in_place_ = false;
}

void TestLake::Drop(const std::string& name) {
  auto next = std::make_shared<State>(*states_.back());
  next->at = Seq(states_.size());
  next->current.erase(AsciiLower(name));
  states_.push_back(std::move(next));
}

Result<std::shared_ptr<const catalog::LakeView>> TestLake::Current(const RequestContext&) { return states_.back(); }

Result<std::shared_ptr<const catalog::LakeView>> TestLake::At(const RequestContext&, Seq seq) {
  if (seq.value >= states_.size()) return Fail(ErrorKind::kNotFound, "the lake has no seq {} yet", seq.value);
  return states_[seq.value];
}

}  // namespace lakehouse::query
