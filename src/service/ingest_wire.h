// What POST /ingest answers, exactly as docs/contract.md words it. Used by the route and by the remote client, so both
// ends of the wire are one piece of code. Callable from any thread.
#pragma once

#include <string>
#include <string_view>

#include "service/ingest.h"

namespace lakehouse::service {

std::string WriteIngestResult(const IngestResult& result);
// kInvalid naming the field.
Result<IngestResult> ParseIngestResult(std::string_view body);

// The Content-Type of a format, and the Content-Encoding of a compression (empty: none).
std::string_view MediaTypeOf(SourceFormat format);
std::string_view EncodingOf(SourceCompression compression);

}  // namespace lakehouse::service
