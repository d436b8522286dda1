// The API's description, made from the table of routes, so that it cannot miss one.
#pragma once

#include <string>
#include <string_view>

#include "http/server.h"

namespace lakehouse::http {

// An OpenAPI 3.1 document of `router`'s routes: paths in order, methods, summaries, path parameters from the captures,
// problem+json as the answer to every error. {name...} is a parameter that may hold slashes.
std::string OpenApiJson(const Router& router, std::string_view version);

}  // namespace lakehouse::http
