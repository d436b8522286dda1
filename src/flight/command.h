// What a descriptor, a ticket or an action's body asks for: protobuf messages of the specification inside an Any. Pure.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "flight_sql/flight_sql.pb.h"

namespace lakehouse::flight {

namespace pb = arrow::flight::protocol::sql;

inline constexpr size_t kMaxCommandBytes = size_t{2} << 20;

using Command =
    std::variant<pb::CommandStatementQuery, pb::CommandPreparedStatementQuery, pb::CommandStatementUpdate,
                 pb::CommandPreparedStatementUpdate, pb::CommandStatementIngest, pb::CommandStatementSubstraitPlan,
                 pb::CommandGetCatalogs, pb::CommandGetDbSchemas, pb::CommandGetTables, pb::CommandGetTableTypes,
                 pb::CommandGetPrimaryKeys, pb::CommandGetExportedKeys, pb::CommandGetImportedKeys,
                 pb::CommandGetCrossReference, pb::CommandGetSqlInfo, pb::CommandGetXdbcTypeInfo>;

// kInvalid for what is no Any, no command of Flight SQL, or too long. Unknown fields are passed over, as protobuf asks.
Result<Command> ParseCommand(std::string_view bytes);
// "CommandStatementQuery": a name of the protocol.
std::string_view NameOf(const Command& command);

// The message inside an Any, or kInvalid naming the type that was expected.
template <typename Message>
Result<Message> Unpack(std::string_view bytes);
template <typename Message>
std::string Pack(const Message& message);

}  // namespace lakehouse::flight
