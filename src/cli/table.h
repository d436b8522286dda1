// An aligned table for people. Used by one thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace lakehouse::cli {

enum class Align { kLeft, kRight };

struct TableColumn {
  std::string name;
  Align align = Align::kLeft;
};

class Table {
 public:
  explicit Table(std::vector<TableColumn> columns);
  // REQUIRES: as many cells as columns. nullopt shows as NULL.
  void AddRow(const std::vector<std::optional<std::string>>& cells);
  size_t rows() const { return rows_.size(); }
  // Header, rule and rows, each line ending in '\n'. With `width`, the widest columns are cut until a line fits.
  std::string Render(std::optional<size_t> width) const;

 private:
  std::vector<size_t> Widths(std::optional<size_t> width) const;
  void AppendLine(std::string& out, const std::vector<std::string>& cells, const std::vector<size_t>& widths) const;

  std::vector<TableColumn> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace lakehouse::cli
