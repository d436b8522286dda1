// What openapi.json says about a route besides its summary. Stands beside the route; texts live as long as the program.
#pragma once

#include <string_view>

namespace lakehouse::http {

// Small lists in one text each, so that a route's contract reads on a few lines:
//   .path = "version:positive", .query = "name! limit:positive token mode:replace|append",
//   .body = "application/json Register", .answers = "201 application/json Registered, 204, 304"
struct RouteDoc {
  // Parameters "name" or "name:type": a type of JSON Schema, positive (an integer), duration, or the values it may
  // have, with | between them. "name!" must be there.
  std::string_view path{};
  std::string_view query{};
  std::string_view headers{};
  // Media types with what they hold, with commas between them: a schema of `schemas`, or "bytes". After a '?' the body
  // may be absent.
  std::string_view body{};
  // A status each, with media type and schema where there is a body. Errors are problem+json: only others are named.
  std::string_view answers{};
  // Members of components/schemas, as JSON, that this route's schemas need.
  std::string_view schemas{};
};

}  // namespace lakehouse::http
