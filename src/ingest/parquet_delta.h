// Numbers as differences from one to the next, packed to the bits that they need: Parquet's DELTA_BINARY_PACKED.
// https://github.com/apache/parquet-format/blob/master/Encodings.md#delta-encoding-delta_binary_packed--5
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace lakehouse::ingest {

// Appends the values, of any number and size. Pure. At most about 8.1 bytes a value and 1 KiB more.
void AppendDeltas(std::string& out, std::span<const int64_t> values);

}  // namespace lakehouse::ingest
