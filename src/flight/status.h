// Errors as Flight says them: the one error table in Arrow's words. Callable from any thread.
#pragma once

#include <arrow/status.h>

#include <string_view>

#include "base/error.h"
#include "base/result.h"

namespace lakehouse::flight {

// The error's detail, its members and the request id as one message, cut where headers end (2 KiB).
arrow::Status ToArrow(const Error& error, std::string_view request_id);
// Arrow's own failures on what a client sent: kInvalid, or kInternal for what only we can have caused.
Error FromArrow(const arrow::Status& status, std::string_view what);
// The code that clients see, for the audit and the metrics.
std::string_view CodeName(const arrow::Status& status);

}  // namespace lakehouse::flight

// A reference: what is given may be a temporary, or part of a Result.
#define LH_ARROW_TRY(what, expression)                                                   \
  do {                                                                                   \
    if (const ::arrow::Status& lh_status = (expression); !lh_status.ok()) [[unlikely]] { \
      return ::lakehouse::Fail(::lakehouse::flight::FromArrow(lh_status, what));         \
    }                                                                                    \
  } while (false)
