#include "mcp/protocol.h"

#include <algorithm>
#include <iterator>

namespace lakehouse::mcp {
namespace {

constexpr std::string_view kNames[] = {"2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"};

}  // namespace

std::string_view RevisionName(Revision revision) { return kNames[static_cast<size_t>(revision)]; }

std::optional<Revision> RevisionOf(std::string_view name) {
  const auto* found = std::ranges::find(kNames, name);
  if (found == std::end(kNames)) return std::nullopt;
  return static_cast<Revision>(found - std::begin(kNames));
}

std::string RevisionList() {
  std::string list;
  for (size_t i = std::size(kNames); i-- > 0;) list.append(list.empty() ? "" : ", ").append(kNames[i]);
  return list;
}

}  // namespace lakehouse::mcp
