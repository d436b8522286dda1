// Rows of a Parquet file that hold vectors: an id, a list of floats, and JSON metadata. The file is not trusted:
// batches are checked whole before they are used. Used by one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace lakehouse::ingest {

struct VectorColumns {
  std::string id = "id";
  std::string vector = "vector";
  // Empty: the column "metadata" when there is one.
  std::string metadata{};
  // Not empty: texts are read in place of vectors.
  std::string text{};
  // Columns that become the fields of a metadata object, in place of `metadata`; NULLs are left out.
  std::vector<std::string> fields{};
};

struct VectorRow {
  std::string id;
  std::vector<float> vector;
  std::string text{};
  std::optional<std::string> metadata;  // text as it stands in the file
};

class VectorRows {
 public:
  // `descriptor` stays the caller's and is read by position. kInvalid for a file that cannot be read, for a column that
  // is not there, or for one of a type that cannot be used: ids are text or integers, vectors lists of floats or
  // doubles or JSON arrays as text, metadata text, fields booleans, numbers, texts, dates or times.
  static Result<std::unique_ptr<VectorRows>> Open(int descriptor, const VectorColumns& columns);
  virtual ~VectorRows() = default;

  virtual uint64_t rows() const = 0;
  // False at the end. kInvalid naming the column for a value that is NULL or that a float cannot hold.
  virtual Result<bool> Next(VectorRow& row) = 0;
};

}  // namespace lakehouse::ingest
