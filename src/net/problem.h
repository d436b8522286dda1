// What another role's error answer means: the way back from status and problem+json to an Error.
#pragma once

#include <string_view>

#include "base/error.h"

namespace lakehouse::net {

// The kind that `status` stands for (kUpstream for one that no role sends) with the body's detail, Retry-After
// excepted. Members beyond RFC 9457's own are kept when they are strings.
Error ErrorOfProblem(int status, std::string_view body);

}  // namespace lakehouse::net
