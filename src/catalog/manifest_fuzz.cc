// The catalog's objects from untrusted bytes: as files, as the JSON texts in their rows, and as rows that are well
// written but say anything at all. Nothing may crash; what is understood comes back the same when it is written again.
#include <fuzzer/FuzzedDataProvider.h>

#include <cstdlib>

#include "catalog/codec.h"
#include "catalog/row_codec.h"
#include "catalog/schema_json.h"

namespace lakehouse::catalog {
namespace {

constexpr Seq kSeq(7);

void Check(bool holds) {
  if (!holds) std::abort();
}

// Both succeeded, with the same.
bool Same(const auto& a, const auto& b) { return a && b && *a == *b; }

Row AnyRow(FuzzedDataProvider& from) {
  constexpr const char* kKinds[] = {"state",  "dataset", "generation", "object", "version", "released",
                                    "purged", "replace", "append",     "drop",   "pin",     "unpin",
                                    "expire", "purge",   "key",        "else"};
  Row row;
  row.kind = from.PickValueInArray(kKinds);
  const auto number = [&from] {
    return from.ConsumeBool() ? from.ConsumeIntegralInRange<int64_t>(-1, 3) : from.ConsumeIntegral<int64_t>();
  };
  row.entry = number();
  row.seq = number();
  row.version = number();
  row.row_count = number();
  row.position = number();
  row.flags = number();
  row.object_size = number();
  row.object_rows = number();
  row.committed_at_us = number();
  row.name = from.ConsumeRandomLengthString(4);
  row.mode = from.ConsumeBool() ? "append" : "replace";
  row.object_key = from.ConsumeRandomLengthString(4);
  row.source_sha256 = from.ConsumeRandomLengthString(2);
  row.commit_id = from.ConsumeRandomLengthString(2);
  row.schema_json = from.ConsumeBool() ? "[]" : from.ConsumeRandomLengthString(64);
  row.object_stats_json = from.ConsumeBool() ? "" : from.ConsumeRandomLengthString(64);
  return row;
}

std::string AnyFile(FuzzedDataProvider& from, std::string_view title) {
  auto rows = RowWriter::Open(title);
  Check(rows.has_value());
  while (from.remaining_bytes() > 0) Check((*rows)->Add(AnyRow(from)).has_value());
  auto bytes = (*rows)->Finish();
  Check(bytes.has_value());
  return std::move(*bytes);
}

void CheckState(std::string_view bytes) {
  const auto state = DecodeState(kSeq, bytes);
  if (!state) return;
  for (const DatasetPtr& dataset : state->DatasetsAfter("")) {
    for (const VersionPtr& version : dataset->versions().ToVector()) static_cast<void>(ToManifest(*dataset, *version));
  }
  const auto written = EncodeState(*state);
  Check(written.has_value());
  const auto again = DecodeState(kSeq, *written);
  Check(again.has_value() && Same(EncodeState(*again), written));
}

void CheckEntries(std::string_view bytes) {
  const auto entries = DecodeEntries(kSeq, bytes);
  if (!entries) return;
  const auto written = EncodeEntries(kSeq, *entries);
  Check(written.has_value());
  const auto again = DecodeEntries(kSeq, *written);
  Check(again.has_value() && again->size() == entries->size());
  // What the log says may contradict the state; it must be told, not suffered.
  LakeState state;
  for (const LogEntry& entry : *entries) {
    if (auto next = state.Apply(entry, kSeq)) state = std::move(*next);
  }
}

}  // namespace
}  // namespace lakehouse::catalog

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lakehouse::catalog;  // NOLINT(google-build-using-namespace)
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  FuzzedDataProvider from(data + 1, size - 1);
  switch (data[0] % 6) {
    case 0:
      CheckEntries(rest);
      break;
    case 1:
      CheckState(rest);
      break;
    case 2:
      CheckEntries(AnyFile(from, "log 7"));
      break;
    case 3:
      CheckState(AnyFile(from, "checkpoint 7"));
      break;
    case 4:
      if (const auto schema = SchemaFromJson(rest)) Check(Same(SchemaFromJson(SchemaToJson(*schema)), schema));
      break;
    default:
      if (const auto stats = StatsFromJson(rest)) Check(Same(StatsFromJson(StatsToJson(*stats)), stats));
  }
  return 0;
}
