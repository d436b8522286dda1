// Log entries and whole states as the rows of catalog/row_codec.h. Pure; callable from any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/log_entry.h"
#include "catalog/state.h"

namespace lakehouse::catalog {

std::string LogKey(Seq seq);         // catalog/log/00000000000000000017.parquet
std::string CheckpointKey(Seq seq);  // catalog/checkpoint/00000000000000000017.parquet
// The seq that a key of either kind names.
std::optional<Seq> SeqOfKey(std::string_view key);
inline constexpr std::string_view kLogPrefix = "catalog/log/";
inline constexpr std::string_view kCheckpointPrefix = "catalog/checkpoint/";

Result<std::string> EncodeEntries(Seq seq, const std::vector<LogEntry>& entries);
// Errors name the object.
Result<std::vector<LogEntry>> DecodeEntries(Seq seq, std::string_view bytes);
Result<std::string> EncodeState(const LakeState& state);
Result<LakeState> DecodeState(Seq seq, std::string_view bytes);

}  // namespace lakehouse::catalog
