// From a file with one JSON object a line to encoded row groups, by the rules of docs/using.md, "Types". Columns stand
// in the order in which their keys first appear. The result depends on the file and the options alone, not on threads.
#pragma once

#include <functional>
#include <string_view>

#include "ingest/table_import.h"

namespace lakehouse::ingest {

// `bytes` are the whole file, UTF-8. `release` is told which of them will not be read again for now. kInvalid names the
// line; what does not go into options.existing is kConflict.
Status ImportNdjson(const RequestContext& context, std::string_view bytes, const ImportOptions& options,
                    ImportTarget& target, const std::function<void(size_t from, size_t to)>& release);

}  // namespace lakehouse::ingest
