// Small requests: prepared statements, cancelling, sessions.
#pragma once

#include <arrow/flight/server.h>

#include <memory>
#include <vector>

#include "flight/call.h"
#include "flight/state.h"

namespace lakehouse::flight {

std::vector<arrow::flight::ActionType> KnownActions();
// The results' bodies. kNotImplemented for an action that is not known, or that this server cannot do.
Result<std::vector<std::string>> DoAction(State& state, Call& call, const arrow::flight::ServerCallContext& context,
                                          const arrow::flight::Action& action);

}  // namespace lakehouse::flight
