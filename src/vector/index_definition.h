// What an index is called and made with: one JSON object under vectors/indexes/, named by the index in lower case,
// which makes names unique without regard to case.
#pragma once

#include <string>
#include <string_view>

#include "base/request_context.h"
#include "object/object_store.h"
#include "vector/types.h"

namespace lakehouse::vector {

inline constexpr std::string_view kDefinitionPrefix = "vectors/indexes/";

struct IndexDefinition {
  std::string uid, name, created_at;
  IndexOptions options;
};

// kInvalid for what is no name of an index.
Status CheckIndexName(std::string_view name);
std::string DefinitionKey(std::string_view name);
std::string EncodeDefinition(const IndexDefinition& definition);
Result<IndexDefinition> DecodeDefinition(std::string_view text);

// Durable when it returns. kConflict when what is stored is not `before`: another index of the name, or changed since.
Status ReplaceDefinition(object::ObjectStore& store, const RequestContext& context, const IndexDefinition& before,
                         const IndexDefinition& after);

}  // namespace lakehouse::vector
