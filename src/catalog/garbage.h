// Retention and garbage collection, in two phases, each a commit of its own.
//
// First `expire`: versions that retention no longer keeps are let go, and the objects that only they named are noted
// with the time. Then `purge`: objects under datasets/ that no kept version names, that are older than the age by the
// store's own clock and were let go longer ago than it, are named in the log and only then removed. An upload in flight
// is younger than the age; a query in flight began after its version was let go or reads one that is kept. A crash
// between any two steps leaves objects that the next run finds again.
#pragma once

#include <unordered_set>

#include "catalog/committer.h"

namespace lakehouse::catalog {

struct Retention {
  uint64_t keep_versions = 100;
  std::chrono::seconds keep_age{};
};

class GarbageCollector {
 public:
  GarbageCollector(object::ObjectStore& store, Committer& committer, const Clock& clock, Retention retention)
      : store_(store), committer_(committer), clock_(clock), retention_(retention) {}

  Result<GcReport> Run(const RequestContext& context, const GcRequest& request);

 private:
  using Versions = std::vector<std::pair<std::string, DatasetVersion>>;
  Versions ToExpire(const LakeState& state) const;
  Status Expire(const RequestContext& context);
  Result<GcReport> FindGarbage(const RequestContext& context, const LakeState& state, std::chrono::seconds min_age);

  object::ObjectStore& store_;
  Committer& committer_;
  const Clock& clock_;
  const Retention retention_;
};

// Keys that some kept version names.
std::unordered_set<std::string> ReferencedKeys(const LakeState& state);

}  // namespace lakehouse::catalog
