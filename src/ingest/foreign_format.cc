#include "ingest/foreign_format.h"

#include <array>

namespace lakehouse::ingest {
namespace {

using std::string_view_literals::operator""sv;

struct Format {
  std::string_view magic;
  std::string_view name;
  std::string_view advice;
};

constexpr std::array kFormats = {
    Format{"PK\x03\x04"sv, "a ZIP archive or an Excel workbook", "unpack it, or save the sheet as CSV"},
    Format{"\xD0\xCF\x11\xE0"sv, "an old Excel workbook", "save the sheet as CSV"},
    Format{"PAR1"sv, "a Parquet file", "name it .parquet, or say format=parquet"},
    Format{"\x1F\x8B"sv, "compressed by gzip", "name it .gz, or send Content-Encoding: gzip"},
    Format{"\x28\xB5\x2F\xFD"sv, "compressed by Zstandard", "name it .zst, or send Content-Encoding: zstd"},
    Format{"BZh"sv, "compressed by bzip2", "decompress it, or use gzip or Zstandard"},
    Format{"\xFD\x37zXZ\0"sv, "compressed by xz", "decompress it, or use gzip or Zstandard"},
    Format{"%PDF-"sv, "a PDF document", "save its table as CSV"},
    Format{"SQLite format 3\0"sv, "an SQLite database", "export its tables as CSV"},
    Format{"ARROW1\0\0"sv, "an Arrow file", "save it as Parquet"},
    Format{"Obj\x01"sv, "an Avro file", "save it as Parquet"},
    Format{"ORC\x11"sv, "an ORC file", "save it as Parquet"},
};

}  // namespace

Status CheckIsText(std::string_view bytes) {
  for (const Format& format : kFormats) {
    // Words that a text may begin with as well need a byte that no text has.
    const bool printable = format.magic == "BZh"sv || format.magic == "PAR1"sv;
    if (!bytes.starts_with(format.magic)) continue;
    if (printable &&
        bytes.substr(0, 64).find_first_of("\0\1\2\3\4\5\6\7\x0E\x0F\x10\x15"sv) == std::string_view::npos) {
      continue;
    }
    return Fail(ErrorKind::kInvalid, "the file is {}, not text: {}", format.name, format.advice);
  }
  return {};
}

}  // namespace lakehouse::ingest
