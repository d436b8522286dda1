#include "catalog/log_reader.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "catalog/codec.h"

namespace lakehouse::catalog {
namespace {

constexpr uint64_t kMaxObjectBytes = uint64_t{1} << 30;
constexpr size_t kReaders = 4;

}  // namespace

Result<LakeState> ApplyAll(LakeState state, const std::vector<LogEntry>& entries, Seq seq) {
  for (const LogEntry& entry : entries) {
    const Status applied = state.Replay(entry, seq);
    if (!applied)
      return Fail(ErrorKind::kInternal, "the log does not replay at {}: {}", LogKey(seq), applied.error().detail);
  }
  state.Advance(seq);
  return state;
}

Result<std::vector<Seq>> LogReader::Numbers(const RequestContext& context, std::string_view prefix,
                                            const std::string& after) const {
  std::vector<Seq> numbers;
  LH_TRY(object::ForEachObject(store_, context, {.prefix = std::string(prefix), .start_after = after},
                               [&](const object::ObjectInfo& info) -> Result<object::Listing> {
                                 if (const auto seq = SeqOfKey(info.key)) numbers.push_back(*seq);
                                 return object::Listing::kGoOn;
                               }));
  return numbers;
}

Result<std::vector<Seq>> LogReader::Checkpoints(const RequestContext& context) const {
  LH_ASSIGN(auto numbers, Numbers(context, kCheckpointPrefix, ""));
  std::ranges::reverse(numbers);
  return numbers;
}

Result<std::vector<Seq>> LogReader::LogNumbers(const RequestContext& context, Seq after) const {
  return Numbers(context, kLogPrefix, LogKey(after));
}

Result<LakeState> LogReader::NewestCheckpoint(const RequestContext& context, std::optional<Error>& damaged) const {
  LH_ASSIGN(const auto checkpoints, Checkpoints(context));
  std::optional<Error> first_error;
  for (const Seq seq : checkpoints) {
    auto bytes = object::GetWhole(store_, context, CheckpointKey(seq), kMaxObjectBytes);
    if (!bytes && bytes.error().kind != ErrorKind::kNotFound && bytes.error().kind != ErrorKind::kInternal)
      return Fail(bytes.error());
    auto state = bytes ? DecodeState(seq, *bytes) : Result<LakeState>(Fail(bytes.error()));
    if (state) return state;
    // An older checkpoint and the log after it say the same.
    if (!first_error) first_error = state.error();
  }
  // Without a checkpoint that can be read the log must be whole from its first object; ReadAll sees whether it is.
  damaged = std::move(first_error);
  return LakeState();
}

Result<std::vector<LogEntry>> LogReader::ReadEntries(const RequestContext& context, Seq seq) const {
  LH_ASSIGN(const std::string bytes, object::GetWhole(store_, context, LogKey(seq), kMaxObjectBytes));
  return DecodeEntries(seq, bytes);
}

Result<LakeState> LogReader::CatchUp(const RequestContext& context, LakeState state) const {
  while (true) {
    const Seq next = state.seq().Next();
    const auto entries = ReadEntries(context, next);
    if (!entries && entries.error().kind == ErrorKind::kNotFound) return state;
    if (!entries) return Fail(entries.error());
    LH_ASSIGN(state, ApplyAll(std::move(state), *entries, next));
  }
}

Result<LakeState> LogReader::ReadAll(const RequestContext& context) const {
  std::optional<Error> damaged;
  LH_ASSIGN(LakeState state, NewestCheckpoint(context, damaged));
  LH_ASSIGN(const auto numbers, LogNumbers(context, state.seq()));
  if (damaged && numbers.empty()) return Fail(*damaged);
  std::vector<Result<std::vector<LogEntry>>> read(numbers.size());
  std::atomic<size_t> next{0};
  {
    std::vector<std::jthread> readers;
    for (size_t i = 0; i < std::min(kReaders, numbers.size()); ++i) {
      readers.emplace_back([&] {
        for (size_t at = next++; at < numbers.size(); at = next++) read[at] = ReadEntries(context, numbers[at]);
      });
    }
  }
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (numbers[i] != state.seq().Next()) {
      if (damaged) return Fail(*damaged);
      return Fail(ErrorKind::kInternal, "the commit log has a gap: {} is missing", LogKey(state.seq().Next()));
    }
    if (!read[i]) return Fail(read[i].error());
    LH_ASSIGN(state, ApplyAll(std::move(state), *read[i], numbers[i]));
  }
  return CatchUp(context, std::move(state));
}

}  // namespace lakehouse::catalog
