// A sample of what each route takes, for openapi.json: what a reader tries first, and what programs that test the API
// start from. Asked in the order of the table, they work on a lake without anything in it.
#pragma once

#include <string_view>

namespace lakehouse::http {

struct ApiSample {
  std::string_view method, path;  // as openapi.json has them
  std::string_view parameters{};  // "name=trips version=1": of the path, the query and the headers
  std::string_view body{};        // of the first media type that the route takes: JSON, or the text itself
};

// nullptr: the route takes nothing, or is not the gateway's.
const ApiSample* SampleOf(std::string_view method, std::string_view path);

}  // namespace lakehouse::http
