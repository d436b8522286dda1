// The catalog's use cases, the same whether it runs in this process or behind HTTP.
// Callable from any thread; blocking; every method keeps to the context's deadline.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/request_context.h"
#include "catalog/types.h"

namespace lakehouse::service {

class Catalog {
 public:
  virtual ~Catalog() = default;
  // Durable in the log before it returns. kConflict (members "existing_fingerprint", "fingerprint") when the dataset
  // lives with another fingerprint; kInvalid naming an empty name or fingerprint.
  virtual Result<catalog::RegisterResult> Register(const RequestContext& context,
                                                   const catalog::RegisterRequest& request) = 0;
  virtual Result<catalog::ManifestPage> List(const RequestContext& context, const catalog::ListRequest& request) = 0;
  virtual Result<catalog::Manifest> Get(const RequestContext& context, std::string_view name,
                                        std::optional<DatasetVersion> version) = 0;
  virtual Status Drop(const RequestContext& context, std::string_view name) = 0;
  virtual Result<std::vector<catalog::Snapshot>> Snapshots(const RequestContext& context, std::string_view name) = 0;
  virtual Status SetPin(const RequestContext& context, std::string_view name, DatasetVersion version, bool pinned) = 0;
  // The newest seq; with `since`, waits until it is above that or the wait is over.
  virtual Result<Seq> Epoch(const RequestContext& context, std::optional<Seq> since,
                            std::chrono::milliseconds wait) = 0;
  virtual Result<catalog::GcReport> Gc(const RequestContext& context, const catalog::GcRequest& request) = 0;
  // The manifest of the current version when this source is already all of the dataset (replace) or in it (append).
  virtual Result<std::optional<catalog::Manifest>> FindSource(const RequestContext& context, std::string_view name,
                                                              std::string_view source_sha256,
                                                              catalog::WriteMode mode) = 0;
  virtual Status Ready(const RequestContext& context) = 0;
};

}  // namespace lakehouse::service
