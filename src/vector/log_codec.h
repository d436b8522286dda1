// Log objects of an index, as docs/formats.md lays them out under "Vector log". Pure; callable from any thread.
//
// One object holds the batches that were committed together. Its key names its epoch (which owner wrote it) and its
// number, which rises by one across epochs. An epoch begins with an `open` record and is ended by the next owner with a
// `fence` record under the very key that the old owner would write next.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "vector/index.h"
#include "vector/types.h"

namespace lakehouse::vector {

inline constexpr uint32_t kLogVersion = 1;

enum class LogKind : uint8_t { kOpen = 1, kBatches = 2, kFence = 3 };

struct LogRecord {
  LogKind kind = LogKind::kBatches;
  LogPosition position;
  std::string writer;           // UUID of the process that wrote it: settles ambiguous answers
  uint64_t version_before = 0;  // the index's version before the first batch
  std::vector<Batch> batches;
};

// "<epoch, 10 digits>-<number, 20 digits>": sorts in log order.
std::string LogName(LogPosition position);
std::optional<LogPosition> LogPositionOf(std::string_view name);

// The batches are those of `batches`; record.batches is not looked at.
std::string EncodeLog(const LogRecord& record, uint32_t dimension, const std::vector<const Batch*>& batches);
// kInternal saying what is wrong with bytes that are truncated, damaged, of another version, dimension or position.
// Never trusts a count in them.
Result<LogRecord> DecodeLog(LogPosition position, uint32_t dimension, std::string_view bytes);

}  // namespace lakehouse::vector
