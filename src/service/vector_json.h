// The JSON of vector indexes, both ways: what the routes answer and what a remote reads. Pure; callable from any
// thread.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>

#include "base/json.h"
#include "service/vectors.h"

namespace lakehouse::service {

struct VectorIndexDefinition {
  std::string name;
  vector::IndexOptions options;
};
std::string WriteDefinition(const VectorIndexDefinition& definition);
// kInvalid naming the field.
Result<VectorIndexDefinition> ParseDefinition(std::string_view json);

std::string WriteRebuild(const vector::RebuildOptions& options);
// kInvalid naming the field; an empty body changes nothing.
Result<vector::RebuildOptions> ParseRebuild(std::string_view json);

void WriteInfo(JsonWriter& json, const VectorIndexInfo& info);
Result<VectorIndexInfo> ParseInfo(const boost::json::value& value);
Result<std::vector<VectorIndexInfo>> ParseInfos(std::string_view json);

std::string WriteApplied(const vector::Applied& applied);
Result<vector::Applied> ParseApplied(std::string_view json);

void WriteItem(JsonWriter& json, const vector::StoredItem& item, vector::ItemColumns columns);
Result<vector::StoredItem> ParseItem(std::string_view json);

std::string WriteSearch(const vector::SearchRequest& request);
void WriteAnswer(JsonWriter& json, const vector::SearchAnswer& answer, const vector::SearchRequest& request);
Result<vector::SearchAnswer> ParseAnswer(std::string_view json);

}  // namespace lakehouse::service
