#include "vector/segment_writer.h"

#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#include <bit>
#include <cerrno>
#include <cstring>

#include "base/hash.h"

namespace lakehouse::vector {
namespace {

constexpr size_t kBuffer = size_t{4} << 20;

// Sections in order, buffered and hashed as they go.
class SectionWriter {
 public:
  SectionWriter(int descriptor, SegmentHeader& header)
      : descriptor_(descriptor), header_(header), hash_(XXH3_createState(), XXH3_freeState) {
    buffer_.reserve(kBuffer);
  }

  void Begin(Section section) {
    place_ = &header_.of(section);
    at_ = (at_ + kSegmentPage - 1) / kSegmentPage * kSegmentPage;
    *place_ = {at_, 0, 0};
    XXH3_64bits_reset(hash_.get());
  }
  Status Write(const void* bytes, size_t count) {
    place_->bytes += count;
    const auto* from = static_cast<const char*>(bytes);
    while (count > 0) {
      const size_t now = std::min(count, kBuffer - buffer_.size());
      buffer_.append(from, now);
      from += now;
      count -= now;
      if (buffer_.size() == kBuffer) LH_TRY(Flush());
    }
    return {};
  }
  Status End() {
    LH_TRY(Flush());
    place_->checksum = XXH3_64bits_digest(hash_.get());
    return {};
  }

 private:
  Status Flush() {
    XXH3_64bits_update(hash_.get(), buffer_.data(), buffer_.size());
    LH_TRY(WriteFullyAt(descriptor_, buffer_, at_));
    at_ += buffer_.size();
    buffer_.clear();
    return {};
  }

  int descriptor_;
  SegmentHeader& header_;
  std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> hash_;
  SegmentHeader::Place* place_ = nullptr;
  std::string buffer_;
  uint64_t at_ = kSegmentPage;
};

Status WriteGraph(const IndexCapture& capture, SectionWriter& out, SegmentHeader& header) {
  const Graph& graph = *capture.graph;
  const std::vector<float>& mean = graph.codec().mean();
  out.Begin(Section::kMean);
  LH_TRY(out.Write(mean.data(), mean.size() * sizeof(float)));
  LH_TRY(out.End());
  std::string record(graph.layout().stride, '\0');
  out.Begin(Section::kNodes);
  for (Slot slot = 0; slot < capture.slots; ++slot) {
    std::fill(record.begin(), record.end(), '\0');
    if (capture.nodes.Test(slot)) graph.CopyRecord(slot, capture.nodes, record.data());
    LH_TRY(out.Write(record.data(), record.size()));
  }
  LH_TRY(out.End());
  out.Begin(Section::kHeaders);
  for (Slot slot = 0; slot < capture.slots; ++slot) {
    const NodeHeader code = capture.nodes.Test(slot) ? graph.Header(slot) : NodeHeader();
    LH_TRY(out.Write(&code, sizeof code));
  }
  LH_TRY(out.End());
  out.Begin(Section::kInfos);
  for (Slot slot = 0; slot < capture.slots; ++slot) {
    NodeInfo info;
    if (capture.nodes.Test(slot)) {
      info = {graph.LevelOf(slot), static_cast<uint32_t>(header.upper_rows), true, !capture.live.Test(slot)};
      header.upper_rows += info.level;
    }
    const uint64_t packed = PackNodeInfo(info);
    LH_TRY(out.Write(&packed, sizeof packed));
  }
  LH_TRY(out.End());
  std::vector<uint32_t> row(graph.layout().upper_links);
  out.Begin(Section::kUpper);
  for (Slot slot = 0; slot < capture.slots; ++slot) {
    if (!capture.nodes.Test(slot)) continue;
    for (unsigned level = 1; level <= graph.LevelOf(slot); ++level) {
      graph.CopyLinks(slot, level, capture.nodes, row);
      LH_TRY(out.Write(row.data(), row.size() * sizeof(uint32_t)));
    }
  }
  return out.End();
}

Status WriteItems(const IndexCapture& capture, SectionWriter& out) {
  const ItemTable& items = *capture.items;
  const size_t vector_bytes = capture.options.dimension * sizeof(float);
  const std::string zeros(vector_bytes, '\0');
  out.Begin(Section::kVectors);
  for (Slot slot = 0; slot < capture.slots; ++slot) {
    const bool live = capture.live.Test(slot);
    LH_TRY(out.Write(live ? static_cast<const void*>(items.Vector(slot)) : zeros.data(), vector_bytes));
  }
  LH_TRY(out.End());
  out.Begin(Section::kLengths);
  for (Slot slot = 0; slot < capture.slots; ++slot) {
    const float length = capture.live.Test(slot) ? items.InverseLength(slot) : 0;
    LH_TRY(out.Write(&length, sizeof length));
  }
  LH_TRY(out.End());
  uint64_t offset = 0;
  out.Begin(Section::kOffsets);
  for (Slot slot = 0; slot < capture.slots; ++slot) {
    const bool live = capture.live.Test(slot);
    const uint64_t begins = live ? offset + 1 : 0;
    LH_TRY(out.Write(&begins, sizeof begins));
    if (live) offset += items.Record(slot).size();
  }
  LH_TRY(out.End());
  out.Begin(Section::kRecords);
  for (Slot slot = 0; slot < capture.slots; ++slot) {
    if (!capture.live.Test(slot)) continue;
    const std::string_view record = items.Record(slot);
    LH_TRY(out.Write(record.data(), record.size()));
  }
  return out.End();
}

Status WriteIds(const IndexCapture& capture, SectionWriter& out) {
  std::vector<Slot> table(std::bit_ceil(std::max<size_t>(32, capture.live.Count()) * 2), kNoSlot);
  capture.live.ForEach([&](Slot slot) {
    size_t place = Xxh3(capture.items->Id(slot)) & (table.size() - 1);
    while (table[place] != kNoSlot) place = (place + 1) & (table.size() - 1);
    table[place] = slot;
  });
  out.Begin(Section::kIds);
  LH_TRY(out.Write(table.data(), table.size() * sizeof(Slot)));
  return out.End();
}

Status WriteNothing(SectionWriter& out) {
  for (const Section section : {Section::kMean, Section::kNodes, Section::kHeaders, Section::kInfos, Section::kUpper}) {
    out.Begin(section);
    LH_TRY(out.End());
  }
  return {};
}

Status WriteTo(const IndexCapture& capture, int descriptor) {
  SegmentHeader header;
  header.options = capture.options;
  header.version = capture.version;
  header.log = capture.log;
  header.slots = capture.slots;
  header.live = capture.live.Count();
  header.entry = capture.entry;
  if (capture.graph) {
    header.seed = capture.graph->codec().seed();
    header.node_stride = capture.graph->layout().stride;
  }
  SectionWriter out(descriptor, header);
  LH_TRY(capture.graph ? WriteGraph(capture, out, header) : WriteNothing(out));
  LH_TRY(WriteItems(capture, out));
  LH_TRY(WriteIds(capture, out));
  LH_TRY(WriteFullyAt(descriptor, EncodeSegmentHeader(header), 0));
  if (fsync(descriptor) != 0) return Fail(ErrnoError(errno, "writing a vector segment"));
  return {};
}

}  // namespace

Status WriteSegment(const IndexCapture& capture, const std::filesystem::path& path) {
  std::filesystem::path beside = path;
  beside += ".new";
  const FileDescriptor file(open(beside.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file.valid()) return Fail(ErrnoError(errno, "making a vector segment"));
  Status written = WriteTo(capture, file.get());
  if (written && rename(beside.c_str(), path.c_str()) != 0) {
    written = Fail(ErrnoError(errno, "naming a vector segment"));
  }
  if (!written) unlink(beside.c_str());
  return written;
}

}  // namespace lakehouse::vector
