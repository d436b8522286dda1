// Columns and per-object statistics as the JSON texts that stand in the catalog's rows.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/types.h"

namespace lakehouse::catalog {

std::string SchemaToJson(const std::vector<Column>& schema);
Result<std::vector<Column>> SchemaFromJson(std::string_view text);
// Empty for no statistics.
std::string StatsToJson(const std::vector<ColumnStats>& stats);
Result<std::vector<ColumnStats>> StatsFromJson(std::string_view text);

}  // namespace lakehouse::catalog
