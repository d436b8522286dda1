#include "mcp/names.h"

#include <algorithm>
#include <numeric>

#include "base/ascii.h"

namespace lakehouse::mcp {
namespace {

constexpr size_t kMaxNames = 10000;
constexpr size_t kMaxCompared = 128;

// Levenshtein's, row by row.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

}  // namespace

std::vector<std::string> NearNames(std::string_view wanted, const std::vector<std::string>& names) {
  const std::string lower = AsciiLower(wanted.substr(0, kMaxCompared));
  std::vector<std::pair<size_t, std::string>> near;
  for (const std::string& name : names) {
    const std::string candidate = AsciiLower(std::string_view(name).substr(0, kMaxCompared));
    size_t distance = EditDistance(lower, candidate);
    const bool contains = lower.size() >= 3 && candidate.size() >= 3 &&
                          (candidate.find(lower) != std::string::npos || lower.find(candidate) != std::string::npos);
    if (contains) distance = std::min<size_t>(distance, 2);
    if (distance <= std::max<size_t>(1, std::min<size_t>(3, lower.size() / 3)))
      near.emplace_back(distance, name);
    else if (contains)
      near.emplace_back(distance, name);
  }
  std::ranges::sort(near);
  std::vector<std::string> best;
  for (size_t i = 0; i < near.size() && i < 3; ++i) best.push_back(near[i].second);
  return best;
}

std::string ListNames(const std::vector<std::string>& names, size_t most) {
  if (names.empty()) return "none";
  std::string list;
  for (size_t i = 0; i < names.size() && i < most; ++i) list.append(i == 0 ? "" : ", ").append(names[i]);
  if (names.size() > most) list.append(fmt::format(" and {} more", names.size() - most));
  return list;
}

Result<std::vector<std::string>> DatasetNames(service::Catalog& catalog, const RequestContext& context) {
  std::vector<std::string> names;
  catalog::ListRequest request;
  while (names.size() < kMaxNames) {
    LH_ASSIGN(auto page, catalog.List(context, request));
    for (auto& manifest : page.datasets) names.push_back(std::move(manifest.name));
    if (!page.next_token) break;
    request.token = *page.next_token;
  }
  return names;
}

Result<catalog::Manifest> FindDataset(service::Catalog& catalog, const RequestContext& context, std::string_view name,
                                      std::optional<uint64_t> version) {
  if (version && *version == 0) return Fail(ErrorKind::kInvalid, "versions start at 1");
  std::optional<DatasetVersion> wanted;
  if (version) wanted = DatasetVersion(*version);
  auto manifest = catalog.Get(context, name, wanted);
  if (manifest || manifest.error().kind != ErrorKind::kNotFound) return manifest;
  LH_ASSIGN(const auto names, DatasetNames(catalog, context));
  const bool exists = std::ranges::find(names, name) != names.end();
  if (exists) return manifest;  // it says which versions there are
  const auto near = NearNames(name, names);
  if (!near.empty()) {
    return Fail(ErrorKind::kNotFound, "there is no dataset \"{}\"; did you mean {}?", name, ListNames(near));
  }
  return Fail(ErrorKind::kNotFound, "there is no dataset \"{}\"; there are: {}", name, ListNames(names));
}

}  // namespace lakehouse::mcp
