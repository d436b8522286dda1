// The whole lake as it stands at one `seq`. What queryd binds a query to.
//
// A view is a handle: cheap to make, immutable, callable from any thread, and it keeps what it shows alive. Versions
// that were current at its seq stay resolvable for as long as the view lives.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/request_context.h"
#include "catalog/types.h"

namespace lakehouse::catalog {

class LakeView {
 public:
  virtual ~LakeView() = default;
  virtual Seq seq() const = 0;
  // The dataset's manifest at this seq; the name is compared without case. Shared: callers must not need a copy of
  // thousands of objects to plan a query. nullptr: no such dataset at this seq.
  virtual std::shared_ptr<const Manifest> Find(std::string_view name) const = 0;
  // A version of a dataset (also one that is not current); kNotFound says which versions are kept.
  virtual Result<std::shared_ptr<const Manifest>> FindVersion(std::string_view name, DatasetVersion version) const = 0;
  // Names of all datasets at this seq, by name without case.
  virtual std::vector<std::string> Names() const = 0;
  // Kept versions not newer than this seq, newest first.
  virtual std::vector<Snapshot> Snapshots(std::string_view name) const = 0;
};

// Where views come from: the registry itself in one process, a replica that follows the log elsewhere.
class LakeSource {
 public:
  virtual ~LakeSource() = default;
  // Everything acknowledged before this call is in the view.
  virtual Result<std::shared_ptr<const LakeView>> Current(const RequestContext& context) = 0;
  // The lake as it was; kNotFound when `seq` is in the future or older than what retention kept.
  virtual Result<std::shared_ptr<const LakeView>> At(const RequestContext& context, Seq seq) = 0;
};

}  // namespace lakehouse::catalog
