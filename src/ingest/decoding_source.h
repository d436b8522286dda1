// Uploads as they come, decoded: gzip (several members too), zstd (several frames), Latin-1. Streaming, bounded memory.
#pragma once

#include <memory>

#include "base/stream.h"

namespace lakehouse::ingest {

// kInvalid saying what is wrong when the bytes are not what they are said to be or end early. REQUIRES: `source`
// outlives it.
std::unique_ptr<ByteSource> DecodeGzip(ByteSource& source);
std::unique_ptr<ByteSource> DecodeZstd(ByteSource& source);
std::unique_ptr<ByteSource> DecodeLatin1(ByteSource& source);

}  // namespace lakehouse::ingest
