// A lake of the tests' own: objects in memory, manifests in a list, Parquet files that DuckDB itself wrote.
// For tests of this folder only; not thread-safe while it is being changed.
#pragma once

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catalog/lake_view.h"
#include "object/object_store.h"

namespace lakehouse::query {

// Runs until it is stopped.
inline constexpr const char* kEndlessQuery = "SELECT sum(a.range * b.range) FROM range(1000000) a, range(1000000) b";

// Counts what it is asked for.
class TestStore final : public object::ObjectStore {
 public:
  Result<object::PutResult> Put(const RequestContext&, std::string_view key, ByteSource& body,
                                const object::PutOptions&) override;
  Result<std::unique_ptr<object::ObjectReader>> Get(const RequestContext& context, std::string_view key,
                                                    const object::GetOptions& options) override;
  Result<object::ObjectInfo> Head(const RequestContext&, std::string_view key) override;
  Result<object::ListPage> List(const RequestContext&, const object::ListOptions&) override;
  Status Delete(const RequestContext&, std::string_view key) override;
  Status Check(const RequestContext&) override { return {}; }
  bool HonoursConditionalPut() const override { return true; }
  Result<WallTime> Now(const RequestContext&) override { return WallTime{}; }

  std::atomic<int> heads{0};
  std::atomic<int> gets{0};
  // What every Get fails with, when set.
  std::optional<Error> failure;

 private:
  std::map<std::string, std::string, std::less<>> objects_;
};

class TestLake final : public catalog::LakeSource {
 public:
  TestLake();
  ~TestLake() override;

  // Writes the rows of `select` to a Parquet file and makes it the dataset, or adds it.
  void Add(const std::string& name, const std::string& select, catalog::WriteMode mode = catalog::WriteMode::kReplace);
  // A manifest as a client could have registered it.
  void Register(catalog::Manifest manifest, catalog::WriteMode mode = catalog::WriteMode::kReplace);
  // The same, but changes the newest state in place: thousands of datasets without thousands of states.
  void RegisterQuietly(catalog::Manifest manifest);
  void Drop(const std::string& name);

  Result<std::shared_ptr<const catalog::LakeView>> Current(const RequestContext&) override;
  Result<std::shared_ptr<const catalog::LakeView>> At(const RequestContext&, Seq seq) override;

  TestStore& store() { return store_; }
  const std::filesystem::path& folder() const { return folder_; }
  Seq seq() const { return Seq(states_.size() - 1); }

  struct State;

 private:
  std::filesystem::path folder_;
  TestStore store_;
  int files_ = 0;
  bool in_place_ = false;
  std::vector<std::shared_ptr<State>> states_;
};

}  // namespace lakehouse::query
