#include "ingest/type_inference.h"

#include <atomic>

namespace lakehouse::ingest {
namespace {

Status InferBlock(const CsvFile& file, size_t block, std::vector<ColumnInference>& columns) {
  columns.resize(file.columns().size());
  RecordReader reader(file);
  LH_TRY(reader.Start(block));
  while (true) {
    LH_ASSIGN(const auto fields, reader.Next());
    if (fields.empty()) return {};
    for (size_t i = 0; i < fields.size(); ++i) {
      if (!fields[i].is_null) columns[i].Add(fields[i].text, reader.record_offset());
    }
  }
}

}  // namespace

Result<std::vector<ColumnInference>> InferBlocks(const CsvFile& file, size_t first, size_t count, unsigned threads,
                                                 const std::function<Status()>& check) {
  std::vector<std::vector<ColumnInference>> found(count);
  std::vector<Status> statuses(count);
  // Blocks before the first broken one decide which error is told: it is the one nearest the front.
  std::atomic<size_t> broken{count};
  ParallelFor(count, threads, [&](size_t i) {
    if (i > broken.load()) return;
    statuses[i] = check();
    if (statuses[i]) statuses[i] = InferBlock(file, first + i, found[i]);
    if (statuses[i]) return;
    for (size_t known = broken.load(); i < known && !broken.compare_exchange_weak(known, i);) {
    }
  });
  std::vector<ColumnInference> columns(file.columns().size());
  for (size_t i = 0; i < count; ++i) {
    if (!statuses[i]) return Fail(statuses[i].error());
    for (size_t c = 0; c < columns.size(); ++c) columns[c].Merge(found[i][c]);
  }
  return columns;
}

}  // namespace lakehouse::ingest
