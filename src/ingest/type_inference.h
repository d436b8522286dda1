// The types of a file's columns as its records go by: which types every value so far fits, and where that narrowed.
// Blocks are looked at apart and merged in order; the outcome is that of one pass from the front. Not for sharing.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "ingest/csv_file.h"
#include "ingest/field_rules.h"

namespace lakehouse::ingest {

class ColumnInference {
 public:
  // A value that took types away.
  struct Narrowing {
    size_t offset = 0;  // of its record in the file
    TypeSet fits = 0;   // the value's own types
  };

  void Add(std::string_view text, size_t record_offset) {
    // Up to 15 digits fit both kinds of number; nothing can take types from a column of text.
    if (types_ == Bit(ColumnType::kVarchar)) return;
    const TypeSet fits = TypesOf(text);
    if ((types_ & fits) == types_ && seen_) return;
    seen_ = true;
    types_ &= fits;
    narrowings_.push_back({record_offset, fits});
  }
  // `later` saw what comes behind.
  void Merge(const ColumnInference& later) {
    for (const Narrowing& narrowing : later.narrowings_) {
      if (seen_ && (types_ & narrowing.fits) == types_) continue;
      seen_ = true;
      types_ &= narrowing.fits;
      narrowings_.push_back(narrowing);
    }
  }

  // A column without a value is text.
  ColumnType type() const { return seen_ ? Narrowest(types_) : ColumnType::kVarchar; }
  bool seen() const { return seen_; }
  bool AllFit(ColumnType type) const { return !seen_ || (types_ & Bit(type)) != 0; }
  const std::vector<Narrowing>& narrowings() const { return narrowings_; }
  // The record of the first value that does not fit; REQUIRES: !AllFit(type).
  size_t FirstMisfit(ColumnType type) const {
    for (const Narrowing& narrowing : narrowings_) {
      if ((narrowing.fits & Bit(type)) == 0) return narrowing.offset;
    }
    return 0;
  }

 private:
  TypeSet types_ = kAllTypes;
  bool seen_ = false;
  std::vector<Narrowing> narrowings_;
};

// Looks at every record of some blocks.
Result<std::vector<ColumnInference>> InferBlocks(const CsvFile& file, size_t first, size_t count, unsigned threads,
                                                 const std::function<Status()>& check);

}  // namespace lakehouse::ingest
