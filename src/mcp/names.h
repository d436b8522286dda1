// Names that a model may have meant. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/request_context.h"
#include "base/result.h"
#include "mcp/tool.h"

namespace lakehouse::mcp {

// At most three of `names`, nearest first: those within a few edits, or that hold `wanted` or stand in it.
std::vector<std::string> NearNames(std::string_view wanted, const std::vector<std::string>& names);
// "a", "b" and 7 more; "none" when there are none.
std::string ListNames(const std::vector<std::string>& names, size_t most = 20);

// kNotImplemented saying what is missing here when `service` is nullptr.
template <typename T>
Result<T*> Need(T* service, std::string_view what) {
  if (service != nullptr) return service;
  return Fail(ErrorKind::kNotImplemented, "{} cannot be reached from this process; `lakehouse serve` has it", what);
}

// Names of all datasets; at most 10,000.
Result<std::vector<std::string>> DatasetNames(service::Catalog& catalog, const RequestContext& context);
// The manifest; kNotFound with the near names, or some of those there are.
Result<catalog::Manifest> FindDataset(service::Catalog& catalog, const RequestContext& context, std::string_view name,
                                      std::optional<uint64_t> version);

}  // namespace lakehouse::mcp
