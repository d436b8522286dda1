// UUIDs (RFC 9562) in their 36-character lower-case form. Callable from any thread.
#pragma once

#include <string>
#include <string_view>

namespace lakehouse {

// Version 4 from the operating system's random source.
std::string RandomUuid();
// Version 5 of `name` in the namespace of all datasets: the same on every machine, for ever.
std::string DatasetUuid(std::string_view name);
// Version 5 in any namespace. REQUIRES: `space` is a UUID in its 36-character form.
std::string NameUuid(std::string_view space, std::string_view name);

}  // namespace lakehouse
