// Text for people: safe to print, measured in terminal cells, numbers they can read. Callable from any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace lakehouse::cli {

// Control characters escaped (\n, \t, \x1b) and broken UTF-8 replaced: what a server or a file sends must not drive the
// terminal.
std::string Printable(std::string_view text);
// Cells that `text` takes on a terminal. REQUIRES: printable.
size_t CellWidth(std::string_view text);
// At most `cells` wide; what was cut is told by an ellipsis. REQUIRES: printable, cells >= 1.
std::string Cut(std::string_view text, size_t cells);

// 1,234,567
std::string Grouped(uint64_t number);
// 9.8 MB, in powers of 1000
std::string HumanBytes(uint64_t bytes);
// 0.42 s, 3 min 20 s
std::string HumanSeconds(double seconds);

}  // namespace lakehouse::cli
