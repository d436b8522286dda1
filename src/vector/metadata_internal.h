// Metadata as simdjson reads it: its settings, and the lookup and texts of filter.h over its elements. Private to this
// folder, as simdjson's header is large.
#pragma once

#include <simdjson.h>

#include <string>
#include <string_view>

#include "vector/filter.h"

namespace lakehouse::vector {

inline constexpr size_t kMaxMetadataDepth = 160;

// Reads with the one depth limit that all readers of metadata share. Memory is reused; an element lives until the next
// Parse. Not for sharing.
class MetadataParser {
 public:
  // An error also for what is JSON but no number of ours can hold (integers of 20 digits and more).
  simdjson::simdjson_result<simdjson::dom::element> Parse(std::string_view json);

 private:
  simdjson::dom::parser parser_;
};

// FindField and CanonicalJson of filter.h. False when there is no such field.
bool FindField(simdjson::dom::element metadata, std::string_view field, simdjson::dom::element& found);
void AppendCanonicalJson(std::string& out, simdjson::dom::element value);
void AppendCanonicalJson(std::string& out, const boost::json::value& value);
void AppendCanonicalNumber(std::string& out, ExactNumber number);

}  // namespace lakehouse::vector
