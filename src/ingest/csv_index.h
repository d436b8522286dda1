// Finds where the fields of a piece of CSV end: the structural bytes outside quotes. The one loop that sees every byte,
// so it runs on vector instructions where the processor has them. Pure; callable from any thread.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace lakehouse::ingest {

struct CsvIndex {
  // Offsets of delimiters and line feeds outside quotes, ascending.
  std::vector<uint32_t> ends;
  bool has_quotes = false;
  bool ends_in_quotes = false;  // a quote is open at the end
};

// REQUIRES: `text` begins outside quotes and is shorter than 4 GiB. `index` is overwritten; its memory is reused.
void BuildCsvIndex(std::string_view text, char delimiter, CsvIndex& index);
// The same, byte by byte: what the fast one is tested against.
void BuildCsvIndexScalar(std::string_view text, char delimiter, CsvIndex& index);

uint64_t CountByte(std::string_view text, char byte);

}  // namespace lakehouse::ingest
