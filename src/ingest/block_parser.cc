#include "ingest/block_parser.h"

namespace lakehouse::ingest {
namespace {

// Adds one value; false when it does not fit. `in_file`: the text's bytes stay where they are.
bool AddValue(ColumnData& column, std::string_view text, bool in_file) {
  if (!Fits(text, column.type)) return false;
  column.AddValid();
  switch (column.type) {
    case ColumnType::kBoolean:
      column.booleans.push_back(ParseBoolean(text) ? 1 : 0);
      break;
    case ColumnType::kBigint:
      column.ints.push_back(ParseBigint(text));
      break;
    case ColumnType::kDouble:
      column.doubles.push_back(ParseDouble(text));
      break;
    case ColumnType::kDate:
      column.dates.push_back(ParseDate(text));
      break;
    case ColumnType::kTimestamp:
    case ColumnType::kTimestampTz:
      column.ints.push_back(ParseTimestamp(text));
      break;
    case ColumnType::kVarchar:
      if (in_file) {
        column.texts.push_back(text);
      } else {
        column.texts.push_back(column.kept.emplace_back(text));
      }
      break;
  }
  return true;
}

}  // namespace

Result<std::optional<BlockParser::Misfit>> BlockParser::Parse(size_t block) {
  columns_.resize(types_.size());
  for (size_t i = 0; i < types_.size(); ++i) columns_[i].Clear(types_[i]);
  LH_TRY(reader_.Start(block));
  const std::string_view bytes = file_.block(block);
  while (true) {
    LH_ASSIGN(const auto fields, reader_.Next());
    if (fields.empty()) return std::nullopt;
    for (size_t i = 0; i < fields.size(); ++i) {
      if (fields[i].is_null) {
        columns_[i].AddNull();
        continue;
      }
      const std::string_view text = fields[i].text;
      const bool in_file = text.empty() || (text.data() >= bytes.data() && text.data() < bytes.data() + bytes.size());
      if (!AddValue(columns_[i], text, in_file)) return Misfit{i, reader_.record_offset(), KindOf(text)};
    }
  }
}

}  // namespace lakehouse::ingest
