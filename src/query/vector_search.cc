#include "query/vector_search.h"

#include <algorithm>

#include "query/lake_state.h"
#include "query/vector_rows.h"

namespace lakehouse::query {
namespace {

struct SearchData final : duckdb::TableFunctionData {
  std::string index;
  VectorQuery query;
  std::vector<VectorColumn> columns;
};

struct SearchState final : duckdb::GlobalTableFunctionState {
  std::vector<VectorRow> rows;
  duckdb::vector<duckdb::column_t> wanted;
  size_t next = 0;
};

// A named parameter that was given and is not NULL.
const duckdb::Value* Given(const duckdb::TableFunctionBindInput& input, const char* name) {
  const auto found = input.named_parameters.find(name);
  return found == input.named_parameters.end() || found->second.IsNull() ? nullptr : &found->second;
}

std::optional<uint64_t> Count(const duckdb::TableFunctionBindInput& input, const char* name, int64_t most) {
  const auto* value = Given(input, name);
  if (value == nullptr) return std::nullopt;
  const auto count = value->GetValue<int64_t>();
  if (count < 1 || count > most) {
    throw duckdb::BinderException("vector_search: %s must be from 1 to %lld, not %lld", name, most, count);
  }
  return static_cast<uint64_t>(count);
}

std::optional<double> Real(const duckdb::TableFunctionBindInput& input, const char* name) {
  const auto* value = Given(input, name);
  return value == nullptr ? std::nullopt : std::optional(value->GetValue<double>());
}

std::optional<std::string> Text(const duckdb::TableFunctionBindInput& input, const char* name) {
  const auto* value = Given(input, name);
  return value == nullptr ? std::nullopt : std::optional(value->GetValue<std::string>());
}

bool Flag(const duckdb::TableFunctionBindInput& input, const char* name) {
  const auto* value = Given(input, name);
  return value != nullptr && value->GetValue<bool>();
}

// A list or array of numbers, or the JSON array that a request's parameter is.
std::vector<float> Floats(duckdb::ClientContext& context, const duckdb::Value& given) {
  if (given.IsNull()) throw duckdb::BinderException("vector_search: the query vector is NULL");
  const auto list = given.CastAs(context, duckdb::LogicalType::LIST(duckdb::LogicalType::FLOAT));
  std::vector<float> floats;
  for (const auto& value : duckdb::ListValue::GetChildren(list)) {
    if (value.IsNull()) throw duckdb::BinderException("vector_search: the query vector holds a NULL");
    floats.push_back(value.GetValue<float>());
  }
  if (floats.empty()) throw duckdb::BinderException("vector_search: the query vector is empty");
  return floats;
}

duckdb::unique_ptr<duckdb::FunctionData> Bind(duckdb::ClientContext& context, duckdb::TableFunctionBindInput& input,
                                              duckdb::vector<duckdb::LogicalType>& types,
                                              duckdb::vector<duckdb::string>& names) {
  constexpr int64_t kMostHits = 10'000, kWidestBeam = 100'000;
  if (input.inputs[0].IsNull()) throw duckdb::BinderException("vector_search: the name of the index is NULL");
  auto data = duckdb::make_uniq<SearchData>();
  data->index = input.inputs[0].GetValue<std::string>();
  VectorQuery& query = data->query;
  if (input.inputs.size() > 1) query.vector = Floats(context, input.inputs[1]);
  query.k = Count(input, "k", kMostHits).value_or(query.k);
  query.ef = Count(input, "ef", kWidestBeam);
  query.recall_target = Real(input, "recall_target");
  query.max_distance = Real(input, "max_distance");
  query.filter = Text(input, "filter");
  query.text = Text(input, "text");
  query.exact = Flag(input, "exact");
  if (query.vector.empty() && !query.text) {
    throw duckdb::BinderException("vector_search('%s', …) needs a query vector, or text := '…'", data->index);
  }
  const auto index = SourceOf(context).Find(LakeState::Of(context)->request(), data->index);
  if (!index && index.error().kind == ErrorKind::kNotFound) throw duckdb::BinderException(index.error().detail);
  if (!index) Throw(context, index.error());
  data->columns = {VectorColumn::kId, VectorColumn::kDistance, VectorColumn::kMetadata};
  if (query.text) data->columns.push_back(VectorColumn::kScore);
  if (Flag(input, "include_vector")) data->columns.push_back(VectorColumn::kVector);
  for (const VectorColumn column : data->columns) {
    names.emplace_back(NameOf(column));
    types.push_back(TypeOf(column, index->dimension));
  }
  return data;
}

duckdb::unique_ptr<duckdb::GlobalTableFunctionState> Search(duckdb::ClientContext& context,
                                                            duckdb::TableFunctionInitInput& input) {
  const auto& data = input.bind_data->Cast<SearchData>();
  auto state = duckdb::make_uniq<SearchState>();
  state->wanted = input.column_ids;
  auto rows = SourceOf(context).Search(LakeState::Of(context)->request(), data.index, data.query,
                                       NeededOf(data.columns, state->wanted));
  if (!rows) Throw(context, rows.error());
  state->rows = *std::move(rows);
  return state;
}

void GiveHits(duckdb::ClientContext&, duckdb::TableFunctionInput& input, duckdb::DataChunk& output) {
  auto& state = input.global_state->Cast<SearchState>();
  const size_t count = std::min<size_t>(state.rows.size() - state.next, STANDARD_VECTOR_SIZE);
  FillChunk(input.bind_data->Cast<SearchData>().columns, state.wanted, std::span(state.rows).subspan(state.next, count),
            output);
  state.next += count;
}

}  // namespace

duckdb::TableFunctionSet VectorSearchFunctions() {
  duckdb::TableFunction function("vector_search", {}, GiveHits, Bind, Search);
  function.projection_pushdown = true;
  for (const char* name : {"k", "ef"}) function.named_parameters[name] = duckdb::LogicalType::BIGINT;
  for (const char* name : {"recall_target", "max_distance"})
    function.named_parameters[name] = duckdb::LogicalType::DOUBLE;
  for (const char* name : {"filter", "text"}) function.named_parameters[name] = duckdb::LogicalType::VARCHAR;
  for (const char* name : {"exact", "include_vector"}) function.named_parameters[name] = duckdb::LogicalType::BOOLEAN;
  function.cardinality = [](duckdb::ClientContext&, const duckdb::FunctionData* data) {
    const uint64_t k = data->Cast<SearchData>().query.k;
    return duckdb::make_uniq<duckdb::NodeStatistics>(k, k);
  };
  duckdb::TableFunctionSet functions(function.name);
  function.arguments = {duckdb::LogicalType::VARCHAR};
  functions.AddFunction(function);
  function.arguments = {duckdb::LogicalType::VARCHAR, duckdb::LogicalType::ANY};
  functions.AddFunction(function);
  return functions;
}

}  // namespace lakehouse::query
