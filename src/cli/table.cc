#include "cli/table.h"

#include <algorithm>
#include <numeric>

#include "cli/text.h"

namespace lakehouse::cli {

namespace {

constexpr size_t kGap = 2;
constexpr size_t kLeastWidth = 6;  // a cut column still says something

}  // namespace

Table::Table(std::vector<TableColumn> columns) : columns_(std::move(columns)) {
  for (TableColumn& column : columns_) column.name = Printable(column.name);
}

void Table::AddRow(std::vector<std::optional<std::string>> cells) {
  std::vector<std::string> row;
  row.reserve(cells.size());
  for (const auto& cell : cells) row.push_back(cell ? Printable(*cell) : "NULL");
  rows_.push_back(std::move(row));
}

std::vector<size_t> Table::Widths(std::optional<size_t> width) const {
  std::vector<size_t> widths;
  for (size_t i = 0; i < columns_.size(); ++i) {
    size_t widest = CellWidth(columns_[i].name);
    for (const auto& row : rows_) widest = std::max(widest, CellWidth(row[i]));
    widths.push_back(widest);
  }
  if (!width || widths.empty()) return widths;
  size_t total = std::accumulate(widths.begin(), widths.end(), size_t{0}) + kGap * (widths.size() - 1);
  while (total > *width) {
    const auto widest = std::max_element(widths.begin(), widths.end());
    if (*widest <= kLeastWidth) break;
    // Down to the next widest at once, or by what is left to save.
    size_t next = kLeastWidth;
    for (const size_t other : widths) {
      if (other < *widest) next = std::max(next, other);
    }
    const size_t saved = std::min(std::max<size_t>(*widest - next, 1), total - *width);
    *widest -= saved;
    total -= saved;
  }
  return widths;
}

void Table::AppendLine(std::string& out, const std::vector<std::string>& cells,
                       const std::vector<size_t>& widths) const {
  for (size_t i = 0; i < cells.size(); ++i) {
    const std::string cell = Cut(cells[i], std::max<size_t>(widths[i], 1));
    const size_t padding = widths[i] - std::min(CellWidth(cell), widths[i]);
    const bool last = i + 1 == cells.size();
    if (columns_[i].align == Align::kRight) out.append(padding, ' ');
    out.append(cell);
    if (columns_[i].align == Align::kLeft && !last) out.append(padding, ' ');
    if (!last) out.append(kGap, ' ');
  }
  out.push_back('\n');
}

std::string Table::Render(std::optional<size_t> width) const {
  const std::vector<size_t> widths = Widths(width);
  std::vector<std::string> names;
  std::vector<std::string> rule;
  for (size_t i = 0; i < columns_.size(); ++i) {
    names.push_back(columns_[i].name);
    rule.emplace_back(widths[i], '-');
  }
  std::string out;
  AppendLine(out, names, widths);
  AppendLine(out, rule, widths);
  for (const auto& row : rows_) AppendLine(out, row, widths);
  return out;
}

}  // namespace lakehouse::cli
