#include "vector/index_log.h"

#include <algorithm>

namespace lakehouse::vector {
namespace {

// What recovery reads back in one piece.
constexpr uint64_t kMaxRecordBytes = uint64_t{1} << 30;

}  // namespace

IndexLog::IndexLog(object::ObjectStore& store, std::string prefix, std::string writer, uint32_t dimension)
    : store_(store), prefix_(std::move(prefix)), writer_(std::move(writer)), dimension_(dimension) {}

std::unexpected<Error> IndexLog::Lost() {
  lost_ = true;
  return Fail(ErrorKind::kConflict,
              "another vectord has taken this index over; this one has stopped writing to it. Nothing was added");
}

Result<IndexLog::Won> IndexLog::PutIfAbsent(const RequestContext& context, LogPosition position,
                                            const std::string& bytes) {
  const std::string key = prefix_ + LogName(position);
  object::PutOptions options;
  options.if_none_match = true;
  const auto put = object::PutWhole(store_, context, key, bytes, options);
  if (put) return Won::kYes;
  if (put.error().kind != ErrorKind::kPreconditionFailed && put.error().kind != ErrorKind::kAmbiguous) {
    return Fail(put.error());
  }
  // A retry inside the store may have met its own first try: what is there says who won.
  const auto there = object::GetWhole(store_, context, key, kMaxRecordBytes);
  if (there) return *there == bytes ? Won::kYes : Won::kNo;
  return Fail(there.error().kind == ErrorKind::kNotFound ? put.error() : there.error());
}

Result<LogRecord> IndexLog::ReadRecord(const RequestContext& context, LogPosition position) {
  LH_ASSIGN(const std::string bytes, object::GetWhole(store_, context, prefix_ + LogName(position), kMaxRecordBytes));
  return DecodeLog(position, dimension_, bytes);
}

Result<std::vector<LogPosition>> IndexLog::ListAfter(const RequestContext& context, LogPosition after) {
  std::vector<LogPosition> positions;
  const auto take = [&](const object::ObjectInfo& object) -> Result<object::Listing> {
    const auto position = LogPositionOf(std::string_view(object.key).substr(prefix_.size()));
    // Fences of epochs long gone may lie before the snapshot's number under a lower epoch: the order is the number's.
    if (position && position->number > after.number) positions.push_back(*position);
    return object::Listing::kGoOn;
  };
  LH_TRY(object::ForEachObject(store_, context, {.prefix = prefix_, .start_after = prefix_ + LogName(after)}, take));
  std::sort(positions.begin(), positions.end(),
            [](const LogPosition& a, const LogPosition& b) { return a.number < b.number; });
  return positions;
}

Status IndexLog::ReadOn(const RequestContext& context, const Visit& visit) {
  LH_ASSIGN(const auto positions, ListAfter(context, last_));
  for (const LogPosition& position : positions) {
    if (position.number != last_.number + 1 || position.epoch < last_.epoch) {
      return Fail(ErrorKind::kInternal,
                  "the vector log {} has a gap: after {} comes {}. Restore the missing object, or drop the index and "
                  "rebuild it from its Parquet copy",
                  prefix_, LogName(last_), LogName(position));
    }
    LH_ASSIGN(const LogRecord record, ReadRecord(context, position));
    LH_TRY(visit(record));
    last_ = position;
    closed_ = record.kind == LogKind::kFence;
  }
  return {};
}

Status IndexLog::Claim(const RequestContext& context, LogPosition after, const Visit& visit) {
  if (after != last_) closed_ = false;
  last_ = after;
  for (;;) {
    LH_TRY(context.Check("claiming a vector index"));
    LH_TRY(ReadOn(context, visit));
    // An epoch that another claim has fenced is not fenced again: both claims must meet at the key of the next epoch,
    // or two records would have one number.
    if (last_.epoch > 0 && !closed_) {
      const LogPosition fence{last_.epoch, last_.number + 1};
      const LogRecord record{LogKind::kFence, fence, writer_, 0, {}};
      LH_ASSIGN(const Won fenced, PutIfAbsent(context, fence, EncodeLog(record, dimension_, {})));
      if (fenced == Won::kNo) continue;
      last_ = fence;
      closed_ = true;
    }
    const LogPosition open{last_.epoch + 1, last_.number + 1};
    const LogRecord record{LogKind::kOpen, open, writer_, 0, {}};
    LH_ASSIGN(const Won opened, PutIfAbsent(context, open, EncodeLog(record, dimension_, {})));
    if (opened == Won::kNo) continue;
    last_ = open;
    closed_ = false;
    return {};
  }
}

Status IndexLog::Append(const RequestContext& context, uint64_t version_before,
                        const std::vector<const Batch*>& batches) {
  if (lost_) return Lost();
  const LogPosition next{last_.epoch, last_.number + 1};
  const LogRecord record{LogKind::kBatches, next, writer_, version_before, {}};
  const std::string bytes = EncodeLog(record, dimension_, batches);
  if (bytes.size() > kMaxRecordBytes) {
    return Fail(ErrorKind::kTooLarge, "a batch for a vector index takes {} bytes in its log; at most {} are allowed",
                bytes.size(), kMaxRecordBytes);
  }
  auto won = PutIfAbsent(context, next, bytes);
  if (!won) {
    // These say that nothing happened; any other error may have come after the object was stored.
    const ErrorKind kind = won.error().kind;
    uncertain_ = kind != ErrorKind::kExhausted && kind != ErrorKind::kForbidden && kind != ErrorKind::kInvalid &&
                 kind != ErrorKind::kTooLarge;
    return Fail(std::move(won).error());
  }
  if (*won == Won::kNo) return Lost();
  before_last_ = last_;
  last_ = next;
  return {};
}

Status IndexLog::Settle(const RequestContext& context, const Visit& visit) {
  if (lost_) return Lost();
  LH_TRY(Claim(context, last_, [&](const LogRecord& record) -> Status {
    if (record.writer != writer_) return Lost();
    return visit(record);
  }));
  uncertain_ = false;
  return {};
}

Status IndexLog::Trim(const RequestContext& context, LogPosition position) {
  // Records without a batch are all of one size, which no record with a batch has.
  const uint64_t control_bytes = EncodeLog({LogKind::kFence, position, writer_, 0, {}}, dimension_, {}).size();
  return object::ForEachObject(
      store_, context, {.prefix = prefix_}, [&](const auto& object) -> Result<object::Listing> {
        const auto found = LogPositionOf(std::string_view(object.key).substr(prefix_.size()));
        const bool needless = found && found->number <= position.number && object.size > control_bytes;
        if (needless) LH_TRY(store_.Delete(context, object.key));
        return object::Listing::kGoOn;
      });
}

}  // namespace lakehouse::vector
