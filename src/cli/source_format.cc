#include "cli/source_format.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "cli/exit_code.h"

namespace lakehouse::cli {

namespace {

struct Extension {
  std::string_view name, format;
};
constexpr std::array<Extension, 6> kExtensions = {{{".csv", "csv"},
                                                   {".tsv", "tsv"},
                                                   {".ndjson", "ndjson"},
                                                   {".jsonl", "ndjson"},
                                                   {".parquet", "parquet"},
                                                   {".pq", "parquet"}}};

// Cuts `ending` off `name` when it ends so.
bool TakeEnding(std::string& name, std::string_view ending) {
  if (!name.ends_with(ending)) return false;
  name.resize(name.size() - ending.size());
  return true;
}

std::string EncodingOf(std::string& name) {
  if (TakeEnding(name, ".gz")) return "gzip";
  if (TakeEnding(name, ".zst") || TakeEnding(name, ".zstd")) return "zstd";
  return "";
}

std::string FormatOfName(const std::string& name) {
  for (const Extension& extension : kExtensions) {
    if (name.ends_with(extension.name)) return std::string(extension.format);
  }
  return "csv";
}

}  // namespace

Result<SourceFormat> FormatOfFile(std::string_view file, std::string_view given) {
  std::string name = AsciiLower(file);
  SourceFormat source;
  source.content_encoding = EncodingOf(name);
  const std::string format = given.empty() ? FormatOfName(name) : std::string(given);
  source.is_tsv = format == "tsv";
  if (format == "csv" || format == "tsv") {
    source.content_type = "text/csv";
  } else if (format == "ndjson") {
    source.content_type = "application/x-ndjson";
  } else if (format == "parquet") {
    source.content_type = "application/vnd.apache.parquet";
  } else {
    return Fail(UsageError(fmt::format("unknown format \"{}\": csv, tsv, ndjson or parquet", format)));
  }
  return source;
}

std::string NameOfFile(std::string_view file) {
  const size_t slash = file.rfind('/');
  std::string name(slash == std::string_view::npos ? file : file.substr(slash + 1));
  std::string lower = AsciiLower(name);
  EncodingOf(lower);
  for (const Extension& extension : kExtensions) {
    if (TakeEnding(lower, extension.name)) break;
  }
  name.resize(lower.size());
  return name;
}

}  // namespace lakehouse::cli
