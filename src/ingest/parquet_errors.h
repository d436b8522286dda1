// What went wrong while Arrow read a Parquet file that somebody sent.
#pragma once

#include <arrow/status.h>

#include <string_view>

#include "base/result.h"

namespace lakehouse::ingest {

inline std::unexpected<Error> UnusableParquet(std::string_view why) {
  return Fail(ErrorKind::kInvalid, "the file is no usable Parquet file: {}", why);
}

inline Status CheckedRead(const arrow::Status& status) {
  if (status.ok()) return {};
  if (status.IsOutOfMemory()) return Fail(ErrorKind::kExhausted, "there is no memory to read the Parquet file");
  return UnusableParquet(status.message());
}

}  // namespace lakehouse::ingest
