// A CSV file (RFC 4180) as blocks of whole records, each of which can be read by itself. Reading is strict: a record
// with other than the header's number of fields, or a quote where none may stand, is an error with its line and field.
//
// Thread-safe after Open. REQUIRES: the bytes outlive the file.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ingest/csv_index.h"

namespace lakehouse::ingest {

inline constexpr size_t kMaxFieldBytes = size_t{16} << 20;
inline constexpr size_t kMaxColumns = 10'000;

// Told which of the file's bytes will not be read again for now. Called from several threads.
using ReleaseBytes = std::function<void(size_t from, size_t to)>;

struct CsvOptions {
  char delimiter = ',';
  bool header = true;
};

// A field as it stands in a record: NULL, or text. The text points into the file or into `Fields`' own memory.
struct Field {
  std::string_view text;
  bool is_null = false;
};

// Reads the records of one block, one after the other. Not for sharing; memory is reused from block to block.
class CsvFile;
class RecordReader {
 public:
  explicit RecordReader(const CsvFile& file) : file_(file) {}
  // REQUIRES: block < file.blocks().
  Status Start(size_t block);
  // The fields of the next record; an empty span at the block's end. Valid until the next call.
  Result<std::span<const Field>> Next();
  // Where the record that Next gave begins in the file.
  size_t record_offset() const { return record_offset_; }

 private:
  Result<Field> TakeField(size_t begin, size_t end, bool ends_line);
  Result<std::string_view> Unquote(std::string_view quoted);
  Error At(size_t offset, size_t field, std::string_view what) const;

  const CsvFile& file_;
  std::string_view text_;
  size_t base_ = 0;  // of text_ in the file
  CsvIndex index_;
  size_t next_end_ = 0;
  size_t position_ = 0;
  size_t record_offset_ = 0;
  std::vector<Field> fields_;
  // Unescaped texts of the record; a deque, for their addresses must stay.
  std::deque<std::string> unescaped_;
  size_t unescaped_used_ = 0;
};

class CsvFile {
 public:
  // Reads the header and cuts the rest into blocks of about `block_bytes`, which depend on nothing but the file.
  // kInvalid for an empty file, invalid UTF-8 (with the byte offset), empty or duplicate column names, or too many
  // columns.
  static Result<CsvFile> Open(std::string_view bytes, const CsvOptions& options, size_t block_bytes, unsigned threads,
                              const ReleaseBytes& release = {});

  const std::vector<std::string>& columns() const { return columns_; }
  size_t blocks() const { return starts_.empty() ? 0 : starts_.size() - 1; }
  std::string_view block(size_t i) const { return bytes_.substr(starts_[i], starts_[i + 1] - starts_[i]); }
  size_t block_offset(size_t i) const { return starts_[i]; }
  char delimiter() const { return options_.delimiter; }
  // The line that the byte at `offset` stands on; the first is 1.
  uint64_t LineOf(size_t offset) const;
  uint64_t LinesBetween(size_t from, size_t to) const { return CountByte(bytes_.substr(from, to - from), '\n'); }

 private:
  CsvFile(std::string_view bytes, const CsvOptions& options) : bytes_(bytes), options_(options) {}
  Status ReadHeader();
  Status CheckUtf8(unsigned threads, const ReleaseBytes& release) const;
  void Cut(size_t block_bytes, unsigned threads, const ReleaseBytes& release);

  std::string_view bytes_;
  CsvOptions options_;
  std::vector<std::string> columns_;
  size_t data_start_ = 0;
  std::vector<size_t> starts_;  // of each block, and the end
};

// Runs work(0) … work(count - 1) on `threads` threads, the caller's among them.
void ParallelFor(size_t count, unsigned threads, const std::function<void(size_t)>& work);

}  // namespace lakehouse::ingest
