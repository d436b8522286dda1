#include "ingest/ndjson_import.h"

#include <algorithm>
#include <deque>
#include <unordered_map>

#include "ingest/foreign_format.h"
#include "ingest/ndjson_reader.h"

namespace lakehouse::ingest {
namespace {

constexpr size_t kMaxLinesInGroup = 122'880;
// Of a row group in memory: columns that most rows lack cost no bytes in the file, but a cell each here.
constexpr size_t kMaxGroupCells = size_t{1} << 25;

// The types that a value fits by itself: a string is text, whatever it spells.
TypeSet TypesOfValue(const JsonValue& value) {
  if (value.kind == JsonKind::kNumber)
    return TypesOf(value.text) & (Bit(ColumnType::kBigint) | Bit(ColumnType::kDouble) | Bit(ColumnType::kVarchar));
  if (value.kind == JsonKind::kBoolean) return Bit(ColumnType::kBoolean) | Bit(ColumnType::kVarchar);
  return Bit(ColumnType::kVarchar);
}

// A string fits a date's or a time's column that was asked for; it is never a number.
bool ValueFits(const JsonValue& value, ColumnType type) {
  if (type == ColumnType::kVarchar) return true;
  if (value.kind == JsonKind::kNested) return false;
  const bool number = type == ColumnType::kBigint || type == ColumnType::kDouble;
  if (number != (value.kind == JsonKind::kNumber)) return false;
  if ((type == ColumnType::kBoolean) != (value.kind == JsonKind::kBoolean)) return false;
  return Fits(value.text, type);
}

std::string_view KindOfValue(const JsonValue& value) {
  if (value.kind == JsonKind::kNested) return value.text.starts_with('[') ? "an array" : "an object";
  return value.kind == JsonKind::kString ? "a string" : KindOf(value.text);
}

// What the values of a column so far fit, and where that narrowed.
struct ColumnTypes {
  struct Narrowing {
    size_t offset;
    TypeSet fits;
  };
  std::string name;
  TypeSet types = kAllTypes;
  std::vector<Narrowing> narrowings;

  void Add(TypeSet fits, size_t offset) {
    if (!narrowings.empty() && (types & fits) == types) return;
    types &= fits;
    narrowings.push_back({offset, fits});
  }
  ColumnType type() const { return narrowings.empty() ? ColumnType::kVarchar : Narrowest(types); }
};

// Columns by name. Lines mostly have their keys in one order, so the next column is looked at first.
class ColumnIndex {
 public:
  std::optional<size_t> Find(std::string_view name) {
    if (next_ >= names_.size()) next_ = 0;
    if (next_ < names_.size() && names_[next_] == name) return next_++;
    const auto found = by_name_.find(name);
    if (found == by_name_.end()) return std::nullopt;
    next_ = found->second + 1;
    return found->second;
  }
  size_t Add(std::string_view name) {
    const std::string& kept = names_.emplace_back(name);
    by_name_.emplace(kept, names_.size() - 1);
    return names_.size() - 1;
  }
  size_t size() const { return names_.size(); }

 private:
  std::deque<std::string> names_;
  std::unordered_map<std::string_view, size_t> by_name_;  // into names_
  size_t next_ = 0;
};

struct Line {
  size_t begin, end;
};

bool IsBlank(std::string_view line) { return line.find_first_not_of(" \t\r\n") == std::string_view::npos; }

class NdjsonImport {
 public:
  NdjsonImport(const RequestContext& context, std::string_view bytes, const ImportOptions& options,
               ImportTarget& target, const std::function<void(size_t, size_t)>& release)
      : context_(context), bytes_(bytes), options_(options), target_(target), release_(release) {}

  Status Run() {
    Cut();
    LH_TRY(FindColumns());
    ImportSchema schema;
    LH_TRY(MakeSchema(schema));
    LH_TRY(target_.Begin(schema));
    for (const FileColumn& column : schema.columns) types_.push_back(column.type);
    LH_TRY(Encode());
    if (rows_ == 0) return Fail(ErrorKind::kInvalid, "the file is empty: expected one JSON object on each line");
    return {};
  }

 private:
  using OnLine = std::function<Status(NdjsonReader&, Line)>;

  void Cut() {
    size_t at = bytes_.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
    starts_ = {at};
    while (at < bytes_.size()) {
      const size_t feed =
          bytes_.find('\n', std::min(bytes_.size(), at + std::max<size_t>(1, options_.block_bytes) - 1));
      at = feed == std::string_view::npos ? bytes_.size() : feed + 1;
      starts_.push_back(at);
    }
  }
  size_t blocks() const { return starts_.size() - 1; }

  uint64_t LineOf(size_t offset) const { return 1 + CountByte(bytes_.substr(0, offset), '\n'); }

  std::unexpected<Error> At(size_t offset, Error error) const {
    const std::string line = std::to_string(LineOf(offset));
    return Fail(std::move(error).In("line " + line).With("line", line));
  }

  // Calls `on_line` for each line of a block that is not blank; what fails is named by its line.
  Status EachLine(size_t block, const OnLine& on_line) const {
    NdjsonReader reader(bytes_);
    for (size_t at = starts_[block]; at < starts_[block + 1];) {
      LH_TRY(context_.Check("reading the file"));
      size_t end = bytes_.find('\n', at);
      if (end == std::string_view::npos) end = bytes_.size();
      if (!IsBlank(bytes_.substr(at, end - at))) {
        if (const Status status = on_line(reader, {at, end}); !status) return At(at, status.error());
      }
      at = end + 1;
    }
    return {};
  }

  // The columns and their types, from every value of the file; a dataset's own where there is one.
  Status FindColumns() {
    if (options_.existing) {
      for (const FileColumn& column : *options_.existing) columns_.push_back({column.name, kAllTypes, {}});
      return {};
    }
    std::vector<std::vector<ColumnTypes>> found(blocks());
    std::vector<Status> statuses(blocks());
    ParallelFor(blocks(), options_.threads, [&](size_t block) {
      statuses[block] = InferBlock(block, found[block]);
      release_(starts_[block], starts_[block + 1]);
    });
    for (const Status& status : statuses) LH_TRY(Status(status));
    ColumnIndex index;
    for (std::vector<ColumnTypes>& block : found) {
      for (ColumnTypes& column : block) {
        const auto known = index.Find(column.name);
        if (!known) {
          index.Add(column.name);
          columns_.push_back(std::move(column));
          continue;
        }
        for (const auto& narrowing : column.narrowings) columns_[*known].Add(narrowing.fits, narrowing.offset);
      }
    }
    if (columns_.size() > kMaxColumns)
      return Fail(ErrorKind::kInvalid, "the file has {} columns; at most {} are possible", columns_.size(),
                  kMaxColumns);
    return {};
  }

  Status InferBlock(size_t block, std::vector<ColumnTypes>& columns) const {
    ColumnIndex index;
    std::vector<size_t> last_seen;  // the line in which a column last stood
    return EachLine(block, [&](NdjsonReader& reader, Line line) {
      return reader.ReadLine(line.begin, line.end, [&](std::string_view key, const JsonValue& value) -> Status {
        auto column = index.Find(key);
        if (!column) {
          if (key.empty()) return Fail(ErrorKind::kInvalid, "an empty key: every column needs a name");
          if (columns.size() == kMaxColumns)
            return Fail(ErrorKind::kInvalid, "more than {} columns, which is the most possible", kMaxColumns);
          column = index.Add(key);
          columns.push_back({std::string(key), kAllTypes, {}});
          last_seen.push_back(std::string_view::npos);
        }
        if (last_seen[*column] == line.begin)
          return Fail(ErrorKind::kInvalid, "the key \"{}\" stands there twice", key);
        last_seen[*column] = line.begin;
        if (value.kind != JsonKind::kNull) columns[*column].Add(TypesOfValue(value), line.begin);
        return {};
      });
    });
  }

  Status MakeSchema(ImportSchema& schema) {
    if (columns_.empty()) return Fail(ErrorKind::kInvalid, "the file is empty: expected JSON objects with keys");
    for (size_t i = 0; i < columns_.size(); ++i) {
      const ColumnTypes& column = columns_[i];
      FileColumn made{column.name, column.type(), static_cast<int32_t>(i + 1)};
      if (options_.existing) {
        made = (*options_.existing)[i];
        if (!made.exact.empty()) {
          return Fail(ErrorKind::kConflict,
                      "the dataset's column \"{}\" has the type {}, which only Parquet uploads can give", made.name,
                      made.exact);
        }
      }
      fixed_.push_back(options_.existing.has_value());
      schema.columns.push_back(std::move(made));
    }
    LH_TRY(TakeAskedTypes(schema));
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (!fixed_[i]) AddWidening(columns_[i], schema.widened);
    }
    return {};
  }

  Status TakeAskedTypes(ImportSchema& schema) {
    for (const auto& [name, type_name] : options_.types) {
      const auto column = std::ranges::find(schema.columns, name, &FileColumn::name);
      if (column == schema.columns.end())
        return Fail(ErrorKind::kInvalid, "types names the column \"{}\", which the file does not have", name);
      const auto type = ParseTypeName(type_name);
      if (!type) {
        return Fail(ErrorKind::kInvalid,
                    "types: \"{}\" is no type of a file's column; there are BOOLEAN, BIGINT, DOUBLE, DATE, TIMESTAMP, "
                    "TIMESTAMPTZ and VARCHAR",
                    type_name);
      }
      if (options_.existing && *type != column->type) {
        return Fail(ErrorKind::kConflict, "types asks for {} in column \"{}\" where the dataset has {}",
                    TypeName(*type), name, TypeName(column->type));
      }
      column->type = *type;
      fixed_[static_cast<size_t>(column - schema.columns.begin())] = true;
    }
    return {};
  }

  void AddWidening(const ColumnTypes& column, std::vector<Widening>& widened) const {
    if (column.narrowings.empty()) return;
    TypeSet types = column.narrowings.front().fits;
    const ColumnType first = Narrowest(types);
    std::optional<size_t> last_change;
    for (const auto& narrowing : column.narrowings) {
      const ColumnType before = Narrowest(types);
      types &= narrowing.fits;
      if (Narrowest(types) != before) last_change = narrowing.offset;
    }
    if (last_change) widened.push_back({column.name, first, column.type(), LineOf(*last_change)});
  }

  // Blocks are encoded side by side, as many as there are threads, and handed over in their order.
  Status Encode() {
    const size_t wave = std::max(1U, options_.threads);
    for (size_t first = 0; first < blocks(); first += wave) {
      const size_t count = std::min(wave, blocks() - first);
      std::vector<std::vector<EncodedRowGroup>> groups(count);
      std::vector<Status> statuses(count);
      ParallelFor(count, options_.threads, [&](size_t i) { statuses[i] = EncodeBlock(first + i, groups[i]); });
      for (size_t i = 0; i < count; ++i) {
        LH_TRY(Status(statuses[i]));
        for (const EncodedRowGroup& group : groups[i]) {
          rows_ += static_cast<uint64_t>(group.rows);
          LH_TRY(target_.Add(group));
        }
        release_(starts_[first + i], starts_[first + i + 1]);
      }
    }
    return {};
  }

  Status EncodeBlock(size_t block, std::vector<EncodedRowGroup>& groups) const {
    ColumnIndex index;
    for (const ColumnTypes& column : columns_) index.Add(column.name);
    std::vector<ColumnData> data(columns_.size());
    size_t rows = 0;
    const auto clear = [&] {
      rows = 0;
      for (size_t i = 0; i < data.size(); ++i) data[i].Clear(types_[i]);
    };
    ParquetEncoder encoder;
    const auto flush = [&]() -> Status {
      if (rows == 0) return {};
      LH_ASSIGN(auto group, encoder.Encode(data));
      groups.push_back(std::move(group));
      clear();
      return {};
    };
    clear();
    LH_TRY(EachLine(block, [&](NdjsonReader& reader, Line line) -> Status {
      LH_TRY(reader.ReadLine(line.begin, line.end, [&](std::string_view key, const JsonValue& value) -> Status {
        const auto column = index.Find(key);
        if (!column) return UnknownKey(key);
        if (data[*column].rows > rows) return Fail(ErrorKind::kInvalid, "the key \"{}\" stands there twice", key);
        return AddValue(*column, value, data[*column]);
      }));
      ++rows;
      for (ColumnData& column : data) {
        if (column.rows < rows) column.AddNull();
      }
      if (rows == kMaxLinesInGroup || rows * data.size() >= kMaxGroupCells) return flush();
      return {};
    }));
    return flush();
  }

  static Status UnknownKey(std::string_view key) {
    Error error{ErrorKind::kConflict, fmt::format("the dataset has no column \"{}\"", key), std::nullopt, {}};
    return Fail(std::move(error).With("column", key));
  }

  Status AddValue(size_t i, const JsonValue& value, ColumnData& column) const {
    if (value.kind == JsonKind::kNull) {
      column.AddNull();
      return {};
    }
    if (!ValueFits(value, column.type)) {
      const ErrorKind kind = options_.existing ? ErrorKind::kConflict : ErrorKind::kInvalid;
      Error error{kind,
                  fmt::format("column \"{}\": {} does not fit the type {}", columns_[i].name, KindOfValue(value),
                              TypeName(column.type)),
                  std::nullopt,
                  {}};
      return Fail(std::move(error).With("column", columns_[i].name).With("type", TypeName(column.type)));
    }
    column.AddValid();
    switch (column.type) {
      case ColumnType::kBoolean:
        column.booleans.push_back(ParseBoolean(value.text) ? 1 : 0);
        break;
      case ColumnType::kBigint:
        column.ints.push_back(ParseBigint(value.text));
        break;
      case ColumnType::kDouble:
        column.doubles.push_back(ParseDouble(value.text));
        break;
      case ColumnType::kDate:
        column.dates.push_back(ParseDate(value.text));
        break;
      case ColumnType::kTimestamp:
      case ColumnType::kTimestampTz:
        column.ints.push_back(ParseTimestamp(value.text));
        break;
      case ColumnType::kVarchar:
        column.texts.push_back(value.in_file ? value.text : column.kept.emplace_back(value.text));
        break;
    }
    return {};
  }

  const RequestContext& context_;
  const std::string_view bytes_;
  const ImportOptions& options_;
  ImportTarget& target_;
  const std::function<void(size_t, size_t)>& release_;
  std::vector<size_t> starts_;  // of each block, and the end
  std::vector<ColumnTypes> columns_;
  std::vector<bool> fixed_;  // types that do not come from the file
  std::vector<ColumnType> types_;
  uint64_t rows_ = 0;
};

}  // namespace

Status ImportNdjson(const RequestContext& context, std::string_view bytes, const ImportOptions& options,
                    ImportTarget& target, const std::function<void(size_t from, size_t to)>& release) {
  LH_TRY(CheckIsText(bytes));
  return NdjsonImport(context, bytes, options, target, release).Run();
}

}  // namespace lakehouse::ingest
