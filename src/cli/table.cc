#include "cli/table.h"

#include <algorithm>
#include <cstdint>
#include <numeric>

#include "cli/text.h"

namespace lakehouse::cli {

namespace {

constexpr size_t kGap = 2;
constexpr size_t kLeastWidth = 6;  // a cut column still says something

size_t SumUnder(const std::vector<size_t>& widths, size_t cap) {
  return std::accumulate(widths.begin(), widths.end(), size_t{0},
                         [cap](size_t sum, size_t width) { return sum + std::min(width, cap); });
}

// Cuts the widest to one common width, the largest that makes the sum fit; what is left over goes to the first of them.
void CutToSum(std::vector<size_t>& widths, size_t sum) {
  if (widths.empty() || SumUnder(widths, SIZE_MAX) <= sum) return;
  size_t low = kLeastWidth;
  size_t high = std::max(*std::max_element(widths.begin(), widths.end()), kLeastWidth);
  while (low < high) {
    const size_t middle = (low + high + 1) / 2;
    if (SumUnder(widths, middle) <= sum) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  size_t left = sum - std::min(sum, SumUnder(widths, low));
  for (size_t& width : widths) {
    if (width <= low) continue;
    width = low + (left > 0 ? 1 : 0);
    left -= left > 0 ? 1 : 0;
  }
}

}  // namespace

Table::Table(std::vector<TableColumn> columns) : columns_(std::move(columns)) {
  for (TableColumn& column : columns_) column.name = Printable(column.name);
}

void Table::AddRow(const std::vector<std::optional<std::string>>& cells) {
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
  const size_t gaps = widths.empty() ? 0 : kGap * (widths.size() - 1);
  if (width) CutToSum(widths, *width - std::min(*width, gaps));
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
