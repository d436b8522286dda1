// What tools ask before they query: catalogs, schemas, tables, types, keys, and what the server can do.
#pragma once

#include <arrow/type_fwd.h>

#include <memory>
#include <optional>

#include "flight/call.h"
#include "flight/command.h"
#include "flight/state.h"

namespace lakehouse::flight {

inline constexpr std::string_view kCatalogName = "lakehouse";
inline constexpr std::string_view kDefaultSchema = "main";  // where datasets stand

// The columns of a metadata command's answer, as the specification says them; nullptr for other commands.
std::shared_ptr<arrow::Schema> MetadataSchema(const Command& command);
// The answer. kInvalid for a command that is none of these.
Result<std::shared_ptr<arrow::RecordBatch>> Metadata(State& state, Call& call, const Command& command);

// sql_info.cc, xdbc_types.cc.
std::shared_ptr<arrow::Schema> SqlInfoSchema();
Result<std::shared_ptr<arrow::RecordBatch>> SqlInfo(const pb::CommandGetSqlInfo& command);
std::shared_ptr<arrow::Schema> XdbcTypeSchema();
Result<std::shared_ptr<arrow::RecordBatch>> XdbcTypes(const pb::CommandGetXdbcTypeInfo& command);

}  // namespace lakehouse::flight
