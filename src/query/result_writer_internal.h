// The writers behind ResultWriter::Make.
#pragma once

#include <memory>

#include "query/result_writer.h"

namespace lakehouse::query {

// JSON, NDJSON and CSV (text_writer.cc).
std::unique_ptr<ResultWriter> MakeTextWriter(ResultFormat format, ResultShape shape, ByteSink& sink);
// Arrow IPC stream and Parquet (arrow_writer.cc).
std::unique_ptr<ResultWriter> MakeArrowWriter(ResultFormat format, ResultShape shape, ByteSink& sink);

}  // namespace lakehouse::query
