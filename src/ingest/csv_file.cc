#include "ingest/csv_file.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>
#include <unordered_set>

#include "base/utf8.h"
#include "ingest/foreign_format.h"

namespace lakehouse::ingest {
namespace {

constexpr size_t kMaxRecordBytes = size_t{128} << 20;
// A block is cut at the first record end after its share; the index of a longer one would take four bytes for each of
// its own.
constexpr size_t kMaxBlockBytes = kMaxRecordBytes + (size_t{16} << 20);
constexpr size_t kMaxHeaderBytes = size_t{64} << 20;

// Offset just past the first line feed outside quotes at or after `from`; npos when there is none.
size_t NextRecord(std::string_view bytes, size_t from, bool in_quotes) {
  for (size_t at = from; at < bytes.size(); ++at) {
    if (bytes[at] == '"') in_quotes = !in_quotes;
    if (!in_quotes && bytes[at] == '\n') return at + 1;
  }
  return std::string_view::npos;
}

}  // namespace

void ParallelFor(size_t count, unsigned threads, const std::function<void(size_t)>& work) {
  std::atomic<size_t> next{0};
  std::exception_ptr failure;
  std::atomic<bool> failed{false};
  const auto run = [&] {
    try {
      for (size_t i = next++; i < count && !failed; i = next++) work(i);
    } catch (...) {
      // The first to fail tells; memory may be short on any thread, and none of them may end the process.
      if (!failed.exchange(true)) failure = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> helpers;
    for (unsigned i = 1; i < threads && i < count; ++i) helpers.emplace_back(run);
    run();
  }
  if (failure) std::rethrow_exception(failure);
}

Status RecordReader::Start(size_t block) {
  text_ = file_.block(block);
  base_ = file_.block_offset(block);
  if (text_.size() > kMaxBlockBytes) {
    return Fail(
        At(base_, 0,
           fmt::format("a record of more than {} bytes; a single field may have {}", kMaxRecordBytes, kMaxFieldBytes)));
  }
  BuildCsvIndex(text_, file_.delimiter(), index_);
  next_end_ = 0;
  position_ = 0;
  return {};
}

Error RecordReader::At(size_t offset, size_t field, std::string_view what) const {
  const uint64_t line = file_.LineOf(offset);
  Error error{ErrorKind::kInvalid, {}, std::nullopt, {}};
  if (field == 0) {
    error.detail = fmt::format("line {}: {}", line, what);
  } else {
    error.detail = fmt::format("line {}, column {}: {}", line, field, what);
  }
  error.members.emplace_back("line", std::to_string(line));
  if (field != 0) error.members.emplace_back("column", std::to_string(field));
  return error;
}

Result<std::string_view> RecordReader::Unquote(std::string_view quoted) {
  std::string_view inner = quoted.substr(1, quoted.size() - 2);
  if (inner.find('"') == std::string_view::npos) return inner;
  if (unescaped_used_ == unescaped_.size()) unescaped_.emplace_back();
  std::string& out = unescaped_[unescaped_used_++];
  out.clear();
  while (true) {
    const size_t quote = inner.find('"');
    if (quote == std::string_view::npos) break;
    if (quote + 1 >= inner.size() || inner[quote + 1] != '"') {
      return Fail(ErrorKind::kInvalid, "a quote inside a quoted field: expected it doubled, or a delimiter after it");
    }
    out.append(inner.substr(0, quote + 1));
    inner.remove_prefix(quote + 2);
  }
  out.append(inner);
  return std::string_view(out);
}

Result<Field> RecordReader::TakeField(size_t begin, size_t end, bool ends_line) {
  if (ends_line && end > begin && text_[end - 1] == '\r') --end;
  const std::string_view raw = text_.substr(begin, end - begin);
  if (raw.empty()) return Field{{}, true};
  if (raw.size() > kMaxFieldBytes)
    return Fail(ErrorKind::kInvalid, "a field of {} bytes: the limit is {} bytes", raw.size(), kMaxFieldBytes);
  if (!index_.has_quotes) return Field{raw, false};
  if (raw.front() != '"') {
    if (raw.find('"') != std::string_view::npos) {
      return Fail(ErrorKind::kInvalid,
                  "a quote inside a field that does not begin with one: expected the whole field quoted, with inner "
                  "quotes doubled");
    }
    return Field{raw, false};
  }
  if (raw.size() < 2 || raw.back() != '"') {
    return Fail(ErrorKind::kInvalid, "text after the closing quote of a field: expected a delimiter or a line end");
  }
  LH_ASSIGN(const std::string_view text, Unquote(raw));
  return Field{text, false};
}

Result<std::span<const Field>> RecordReader::Next() {
  if (position_ >= text_.size()) return std::span<const Field>();
  record_offset_ = base_ + position_;
  fields_.clear();
  unescaped_used_ = 0;
  const size_t wanted = std::max<size_t>(file_.columns().size(), 1);
  while (true) {
    const bool at_end = next_end_ == index_.ends.size();
    const size_t end = at_end ? text_.size() : index_.ends[next_end_];
    const bool ends_line = at_end || text_[end] == '\n';
    // Records before it come first: a stray quote further up is what opened it.
    if (at_end && index_.ends_in_quotes && position_ < end && text_[position_] == '"') {
      return Fail(
          At(base_ + position_, fields_.size() + 1, "a quoted field that never ends: expected a closing quote"));
    }
    if (fields_.size() == wanted && !file_.columns().empty()) {
      return Fail(At(record_offset_, wanted + 1, fmt::format("too many fields: expected {}", wanted)));
    }
    if (fields_.size() > kMaxColumns)
      return Fail(At(record_offset_, 0, fmt::format("more than {} columns", kMaxColumns)));
    auto field = TakeField(position_, end, ends_line && !at_end);
    if (!field) return Fail(At(base_ + position_, fields_.size() + 1, field.error().detail));
    fields_.push_back(*field);
    position_ = end + 1;
    ++next_end_;
    if (ends_line) break;
  }
  if (fields_.size() < wanted) {
    return Fail(At(record_offset_, fields_.size(), fmt::format("{} fields: expected {}", fields_.size(), wanted)));
  }
  return std::span<const Field>(fields_);
}

uint64_t CsvFile::LineOf(size_t offset) const { return CountByte(bytes_.substr(0, offset), '\n') + 1; }

Status CsvFile::CheckUtf8(unsigned threads, const ReleaseBytes& release) const {
  constexpr size_t kPiece = size_t{4} << 20;
  const size_t pieces = (bytes_.size() + kPiece - 1) / kPiece;
  std::vector<size_t> bad(pieces, std::string_view::npos);
  ParallelFor(pieces, threads, [&](size_t i) {
    size_t from = i * kPiece;
    // A sequence that crosses the border belongs to the piece it begins in.
    if (i > 0) {
      while (from < bytes_.size() && from < i * kPiece + 3 && (static_cast<unsigned char>(bytes_[from]) & 0xC0) == 0x80)
        ++from;
    }
    size_t to = std::min(bytes_.size(), (i + 1) * kPiece);
    while (to < bytes_.size() && to < (i + 1) * kPiece + 3 && (static_cast<unsigned char>(bytes_[to]) & 0xC0) == 0x80)
      ++to;
    const auto found = FindInvalidUtf8(bytes_.substr(from, to - from));
    if (found) bad[i] = from + *found;
    if (release) release(from, to);
  });
  for (const size_t offset : bad) {
    if (offset == std::string_view::npos) continue;
    Error error{ErrorKind::kInvalid,
                fmt::format("invalid UTF-8 at byte {} (line {}): save the file as UTF-8, or say encoding=latin1",
                            offset, LineOf(offset)),
                std::nullopt,
                {}};
    return Fail(std::move(error).With("offset", std::to_string(offset)));
  }
  return {};
}

Status CsvFile::ReadHeader() {
  if (bytes_.starts_with(kByteOrderMark)) data_start_ = kByteOrderMark.size();
  if (data_start_ == bytes_.size())
    return Fail(ErrorKind::kInvalid, "the file is empty: expected at least a header line");
  const size_t end = std::min(NextRecord(bytes_, data_start_, false), bytes_.size());
  if (end - data_start_ > kMaxHeaderBytes)
    return Fail(ErrorKind::kInvalid, "the first line is longer than {} bytes", kMaxHeaderBytes);
  starts_ = {data_start_, end};
  RecordReader reader(*this);
  LH_TRY(reader.Start(0));
  LH_ASSIGN(const auto fields, reader.Next());
  if (fields.size() > kMaxColumns)
    return Fail(ErrorKind::kInvalid, "{} columns: the limit is {}", fields.size(), kMaxColumns);
  std::vector<std::string> names;
  std::unordered_set<std::string> seen;
  for (size_t i = 0; i < fields.size(); ++i) {
    std::string name = options_.header ? std::string(fields[i].text) : fmt::format("column{}", i);
    if (name.empty()) return Fail(ErrorKind::kInvalid, "line 1: the name of column {} is empty", i + 1);
    std::string folded = name;
    for (char& c : folded) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c | 32 : c);
    if (!seen.insert(std::move(folded)).second)
      return Fail(ErrorKind::kInvalid, "line 1: the column name \"{}\" is there twice (names differ in more than case)",
                  name);
    names.push_back(std::move(name));
  }
  columns_ = std::move(names);
  if (options_.header) data_start_ = end;
  return {};
}

void CsvFile::Cut(size_t block_bytes, unsigned threads, const ReleaseBytes& release) {
  const std::string_view data = bytes_.substr(data_start_);
  const size_t pieces = std::max<size_t>(1, data.size() / block_bytes);
  std::vector<char> odd(pieces);
  if (pieces > 1) {
    ParallelFor(pieces, threads, [&](size_t i) {
      odd[i] = static_cast<char>(
          CountByte(data.substr(i * block_bytes, i + 1 == pieces ? std::string_view::npos : block_bytes), '"') & 1);
      if (release) release(data_start_ + i * block_bytes, data_start_ + std::min(data.size(), (i + 1) * block_bytes));
    });
  }
  starts_ = {data_start_};
  bool in_quotes = false;
  for (size_t i = 1; i < pieces; ++i) {
    in_quotes ^= odd[i - 1] != 0;
    // A piece inside a record that is known already; looking again would cost a long field's length once a piece.
    if (data_start_ + i * block_bytes < starts_.back()) continue;
    const size_t start = NextRecord(bytes_, data_start_ + i * block_bytes, in_quotes);
    if (start == std::string_view::npos) break;
    if (start > starts_.back() && start < bytes_.size()) starts_.push_back(start);
  }
  starts_.push_back(bytes_.size());
  if (starts_[0] == bytes_.size()) starts_.clear();
}

Result<CsvFile> CsvFile::Open(std::string_view bytes, const CsvOptions& options, size_t block_bytes, unsigned threads,
                              const ReleaseBytes& release) {
  LH_TRY(CheckIsText(bytes));
  CsvFile file(bytes, options);
  LH_TRY(file.CheckUtf8(threads, release));
  LH_TRY(file.ReadHeader());
  file.Cut(block_bytes, threads, release);
  return file;
}

}  // namespace lakehouse::ingest
