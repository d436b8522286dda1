#include "cli/vector_items.h"

#include <fcntl.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/json.h"
#include "base/json_value.h"
#include "cli/exit_code.h"
#include "cli/files.h"
#include "cli/npy.h"
#include "cli/text.h"
#include "ingest/vector_rows.h"

namespace lakehouse::cli {

namespace json = boost::json;

namespace {

constexpr size_t kReadBytes = 256 << 10;
constexpr size_t kMaxLineBytes = 16 << 20;

// Lines of a source, without their ends.
class Lines {
 public:
  explicit Lines(ByteSource& source) : source_(source) {}

  // False at the end. `line` is valid until the next call.
  Result<bool> Next(std::string_view& line) {
    ++number_;
    while (true) {
      const size_t end = buffer_.find('\n', searched_);
      if (end != std::string::npos || (ended_ && at_ < buffer_.size())) {
        line = std::string_view(buffer_).substr(at_, end == std::string::npos ? end : end - at_);
        at_ = searched_ = end == std::string::npos ? buffer_.size() : end + 1;
        if (line.ends_with('\r')) line.remove_suffix(1);
        return true;
      }
      if (ended_) return false;
      LH_TRY(Fill());
    }
  }
  uint64_t number() const { return number_; }

 private:
  Status Fill() {
    buffer_.erase(0, at_);
    at_ = 0;
    searched_ = buffer_.size();
    if (buffer_.size() > kMaxLineBytes)
      return Fail(ErrorKind::kInvalid, "line {} is longer than {} MiB", number_, kMaxLineBytes >> 20);
    buffer_.resize(searched_ + kReadBytes);
    LH_ASSIGN(const size_t read, source_.Read(std::span(buffer_).subspan(searched_)));
    buffer_.resize(searched_ + read);
    ended_ = read == 0;
    return {};
  }

  ByteSource& source_;
  std::string buffer_;
  size_t at_ = 0, searched_ = 0;
  uint64_t number_ = 0;
  bool ended_ = false;
};

bool IsBlank(std::string_view line) { return line.find_first_not_of(" \t") == std::string_view::npos; }

// One object a line, passed on as it stands; its vector is the server's to check.
class NdjsonItems final : public VectorItems {
 public:
  NdjsonItems(std::unique_ptr<InputFile> input, Progress& progress)
      : input_(std::move(input)), source_(*input_, progress), lines_(source_) {}

  Result<bool> Next(VectorItem& item) override {
    std::string_view line;
    do {
      LH_ASSIGN(const bool more, lines_.Next(line));
      if (!more) return false;
    } while (IsBlank(line));
    item.where = fmt::format("line {}", lines_.number());
    if (auto id = IdOf(line)) {
      item.id = *std::move(id);
    } else {
      return Fail(std::move(id).error().In(item.where));
    }
    item.json = line;
    return true;
  }

 private:
  static Result<std::string> IdOf(std::string_view line) {
    LH_ASSIGN(const json::value value, ParseJson(line));
    LH_ASSIGN(const JsonFields fields, JsonFields::Of(value, "an item"));
    return fields.String("id");
  }

  std::unique_ptr<InputFile> input_;
  ProgressSource source_;
  Lines lines_;
};

void WriteTextItem(VectorItem& item, std::string_view text, const std::optional<std::string>& metadata) {
  item.json.clear();
  JsonWriter out(item.json);
  out.BeginObject().Key("id").String(item.id).Key("text").String(text);
  if (metadata) out.Key("metadata").Raw(*metadata);
  out.EndObject();
}

void WriteItem(VectorItem& item, std::span<const float> vector, const std::optional<std::string>& metadata) {
  item.json.clear();
  JsonWriter out(item.json);
  out.BeginObject().Key("id").String(item.id).Key("vector").BeginArray();
  std::string number;
  for (const float value : vector) {
    number.clear();
    AppendJsonFloat(number, value);
    out.Raw(number);
  }
  out.EndArray();
  if (metadata) out.Key("metadata").Raw(*metadata);
  out.EndObject();
}

class ParquetItems final : public VectorItems {
 public:
  static Result<std::unique_ptr<VectorItems>> Open(const std::string& file, const VectorAddOptions& options,
                                                   uint64_t bytes, Progress& progress) {
    FileDescriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!descriptor.valid()) return Fail(ErrnoError(errno, fmt::format("cannot read {}", file)));
    ingest::VectorColumns columns;
    if (!options.id_column.empty()) columns.id = options.id_column;
    if (!options.vector_column.empty()) columns.vector = options.vector_column;
    columns.metadata = options.metadata_column;
    columns.text = options.text_column;
    LH_ASSIGN(auto rows, ingest::VectorRows::Open(descriptor.get(), columns));
    return std::unique_ptr<VectorItems>(new ParquetItems(std::move(rows), !columns.text.empty(), bytes, progress));
  }

  Result<bool> Next(VectorItem& item) override {
    item.where = fmt::format("row {}", ++number_);
    const auto more = rows_->Next(row_);
    if (!more) return Fail(Error(more.error()).In(item.where));
    if (!*more) return false;
    if (row_.metadata) {
      const auto metadata = ParseJson(*row_.metadata);
      if (!metadata || !metadata->is_object())
        return Fail(ErrorKind::kInvalid, "{}: the metadata is no JSON object", item.where);
    }
    item.id = row_.id;
    if (texts_) {
      WriteTextItem(item, row_.text, row_.metadata);
    } else {
      WriteItem(item, row_.vector, row_.metadata);
    }
    progress_.Advance(bytes_a_row_);
    return true;
  }

 private:
  ParquetItems(std::unique_ptr<ingest::VectorRows> rows, bool texts, uint64_t bytes, Progress& progress)
      : rows_(std::move(rows)),
        texts_(texts),
        bytes_a_row_(bytes / std::max<uint64_t>(rows_->rows(), 1)),
        progress_(progress) {}

  std::unique_ptr<ingest::VectorRows> rows_;
  const bool texts_;
  uint64_t bytes_a_row_;
  Progress& progress_;
  ingest::VectorRow row_;
  uint64_t number_ = 0;
};

// Fills `out` unless the source ends before; the bytes that were there.
Result<size_t> ReadFull(ByteSource& source, std::span<char> out) {
  size_t have = 0;
  while (have < out.size()) {
    LH_ASSIGN(const size_t read, source.Read(out.subspan(have)));
    if (read == 0) break;
    have += read;
  }
  return have;
}

// Rows of a matrix; ids are row numbers from 0, or the lines of a file.
class NpyItems final : public VectorItems {
 public:
  NpyItems(std::unique_ptr<InputFile> input, Progress& progress)
      : input_(std::move(input)), source_(*input_, progress) {}

  Status Start(const VectorAddOptions& options, const Console& console) {
    std::string bytes(kNpyPrefixBytes, '\0');
    LH_ASSIGN(const size_t read, ReadFull(source_, bytes));
    bytes.resize(read);
    LH_ASSIGN(const size_t header_bytes, NpyHeaderBytes(bytes));
    if (header_bytes < read) return Fail(ErrorKind::kInvalid, "the .npy header is cut short");
    bytes.resize(header_bytes);
    LH_ASSIGN(const size_t rest, ReadFull(source_, std::span(bytes).subspan(read)));
    bytes.resize(read + rest);
    LH_ASSIGN(header_, ParseNpyHeader(bytes));
    const uint64_t expected = header_bytes + header_.rows * header_.RowBytes();
    if (input_->size() && *input_->size() != expected) {
      return Fail(ErrorKind::kInvalid, "the file has {} bytes where its header says {} ({} rows of {} float{})",
                  *input_->size(), expected, header_.rows, header_.dimension, header_.float_bytes * 8);
    }
    row_.resize(header_.RowBytes());
    vector_.resize(header_.dimension);
    if (options.ids.empty()) return {};
    LH_ASSIGN(ids_input_, InputFile::Open(options.ids, console));
    ids_ = std::make_unique<Lines>(*ids_input_);
    ids_name_ = options.ids;
    return {};
  }

  Result<bool> Next(VectorItem& item) override {
    if (number_ == header_.rows) return CheckEnd();
    item.where = fmt::format("row {}", number_ + 1);
    LH_ASSIGN(const size_t read, ReadFull(source_, row_));
    if (read != row_.size()) {
      return Fail(ErrorKind::kInvalid, "the file ends in {} of the {} that its header says", item.where, header_.rows);
    }
    for (size_t i = 0; i < vector_.size(); ++i) LH_TRY(TakeFloat(i));
    LH_ASSIGN(item.id, NextId());
    ++number_;
    WriteItem(item, vector_, std::nullopt);
    return true;
  }

 private:
  Result<bool> CheckEnd() {
    if (!ids_) return false;
    std::string_view line;
    LH_ASSIGN(const bool more, ids_->Next(line));
    if (!more) return false;
    return Fail(ErrorKind::kInvalid, "{} has more lines than the array has rows ({})", ids_name_, header_.rows);
  }

  Status TakeFloat(size_t i) {
    static_assert(std::endian::native == std::endian::little);
    double value = 0;
    if (header_.float_bytes == 4) {
      float narrow = 0;
      std::memcpy(&narrow, row_.data() + i * sizeof narrow, sizeof narrow);
      value = narrow;
    } else {
      std::memcpy(&value, row_.data() + i * sizeof value, sizeof value);
    }
    if (!(std::abs(value) <= double{std::numeric_limits<float>::max()})) {
      return Fail(ErrorKind::kInvalid, "row {}: element {} is not a number that a 32-bit float can hold", number_ + 1,
                  i);
    }
    vector_[i] = static_cast<float>(value);
    return {};
  }

  Result<std::string> NextId() {
    if (!ids_) return std::to_string(number_);
    std::string_view line;
    LH_ASSIGN(const bool more, ids_->Next(line));
    if (more && !line.empty()) return std::string(line);
    return Fail(ErrorKind::kInvalid, "{}: {} {}, but the array has {} rows", ids_name_,
                more ? "there is no id in line" : "it ends before line", number_ + 1, header_.rows);
  }

  std::unique_ptr<InputFile> input_;
  ProgressSource source_;
  NpyHeader header_;
  std::string row_;
  std::vector<float> vector_;
  uint64_t number_ = 0;
  std::unique_ptr<InputFile> ids_input_;
  std::unique_ptr<Lines> ids_;
  std::string ids_name_;
};

// ndjson, parquet or npy.
Result<std::string> FormatOf(const std::string& file, const VectorAddOptions& options) {
  if (!options.format.empty()) return options.format;
  const auto ends = [&file](std::string_view ending) { return file.ends_with(ending); };
  if (ends(".ndjson") || ends(".jsonl") || file == "-") return "ndjson";
  if (ends(".parquet") || ends(".pq")) return "parquet";
  if (ends(".npy")) return "npy";
  return Fail(UsageError(fmt::format("cannot tell from \"{}\" what the file is: say --format", file)));
}

}  // namespace

Result<std::unique_ptr<VectorItems>> VectorItems::Open(const std::string& file, const VectorAddOptions& options,
                                                       const Console& console, Progress& progress) {
  LH_ASSIGN(const std::string format, FormatOf(file, options));
  LH_ASSIGN(auto input, InputFile::Open(file, console));
  if (format == "parquet") {
    if (!input->size())
      return Fail(UsageError("a Parquet file cannot be read from a pipe: its end says where everything is"));
    return ParquetItems::Open(file, options, *input->size(), progress);
  }
  if (format == "ndjson") return std::make_unique<NdjsonItems>(std::move(input), progress);
  auto items = std::make_unique<NpyItems>(std::move(input), progress);
  LH_TRY(items->Start(options, console));
  return items;
}

Result<std::optional<uint64_t>> SizeOfFile(const std::string& file, const Console& console) {
  LH_ASSIGN(const auto input, InputFile::Open(file, console));
  return input->size();
}

}  // namespace lakehouse::cli
