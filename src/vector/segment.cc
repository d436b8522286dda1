#include "vector/segment.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/hash.h"
#include "vector/byte_codec.h"
#include "vector/stretches.h"

namespace lakehouse::vector {
namespace {

constexpr std::string_view kSegmentMagic = "LHVECSEG";
constexpr size_t kSegmentChecksumBytes = 8;

std::unexpected<Error> WrongSegment(std::string_view what) {
  return Fail(ErrorKind::kInternal, "the vector segment is damaged: {}", what);
}

Status CheckCounts(const SegmentHeader& header) {
  const auto bytes = [&](Section section) { return header.of(section).bytes; };
  const uint64_t slots = header.slots, dimension = header.options.dimension;
  if (slots > SlotMemory::kMaxSlots || header.live > slots) return WrongSegment("its number of slots is impossible");
  if (header.upper_rows > slots * 16) return WrongSegment("its number of upper rows is impossible");
  if (header.node_stride > (size_t{1} << 16) || header.node_stride % 64 != 0)
    return WrongSegment("its node size is impossible");
  const bool graph = bytes(Section::kNodes) != 0;
  if ((bytes(Section::kMean) != 0 && bytes(Section::kMean) != dimension * sizeof(float)) ||
      bytes(Section::kVectors) != slots * dimension * sizeof(float) ||
      bytes(Section::kLengths) != slots * sizeof(float) || bytes(Section::kOffsets) != slots * sizeof(uint64_t) ||
      bytes(Section::kIds) % sizeof(uint32_t) != 0 || (graph && bytes(Section::kNodes) != slots * header.node_stride) ||
      bytes(Section::kHeaders) != (graph ? slots * 2 * sizeof(float) : 0) ||
      bytes(Section::kInfos) != (graph ? slots * sizeof(uint64_t) : 0) ||
      bytes(Section::kUpper) != (graph ? header.upper_rows * header.options.m * sizeof(uint32_t) : 0)) {
    return WrongSegment("a section's size does not fit its count");
  }
  return {};
}

bool IsLarge(size_t section) {
  return section == static_cast<size_t>(Section::kNodes) || section == static_cast<size_t>(Section::kVectors) ||
         section == static_cast<size_t>(Section::kRecords);
}

Status VerifySections(const OpenSegment& segment, bool large, unsigned threads) {
  std::vector<SegmentHeader::Place> places;
  for (size_t i = 0; i < kSections; ++i) {
    if (IsLarge(i) == large) places.push_back(segment.header.sections[i]);
  }
  // Largest first, so that the threads end together.
  std::ranges::sort(places, std::greater<>(), &SegmentHeader::Place::bytes);
  const bool good = InStretches(places.size(), 1, threads, [&](size_t i, size_t) {
    return Xxh3({segment.mapping->data() + places[i].offset, places[i].bytes}) == places[i].checksum;
  });
  if (!good) return WrongSegment("the checksum of a section does not match");
  return {};
}

}  // namespace

std::string EncodeSegmentHeader(const SegmentHeader& header) {
  std::string page;
  ByteWriter out(page);
  out.Bytes(kSegmentMagic);
  out.Put(kSegmentVersion);
  out.Put(header.options.dimension);
  out.Put(static_cast<uint32_t>(header.options.metric));
  out.Put(static_cast<uint32_t>(header.options.quantization));
  out.Put(header.options.m);
  out.Put(header.options.ef_construction);
  out.Put(header.version);
  out.Put(header.log.epoch);
  out.Put(uint32_t{0});
  out.Put(header.log.number);
  out.Put(header.seed);
  out.Put(header.slots);
  out.Put(header.live);
  out.Put(header.upper_rows);
  out.Put(header.entry);
  out.Put(header.node_stride);
  for (const auto& place : header.sections) {
    out.Put(place.offset);
    out.Put(place.bytes);
    out.Put(place.checksum);
  }
  page.resize(kSegmentPage - kSegmentChecksumBytes);
  out.Put(Xxh3(page));
  return page;
}

Result<SegmentHeader> DecodeSegmentHeader(std::string_view page, uint64_t file_bytes) {
  if (page.size() != kSegmentPage || !page.starts_with(kSegmentMagic))
    return WrongSegment("it does not begin like one");
  uint64_t checksum;
  std::memcpy(&checksum, page.data() + kSegmentPage - kSegmentChecksumBytes, sizeof checksum);
  page.remove_suffix(kSegmentChecksumBytes);
  if (Xxh3(page) != checksum) return WrongSegment("the checksum of its header does not match");
  ByteReader in(page.substr(kSegmentMagic.size()), "the vector segment's header");
  SegmentHeader header;
  LH_ASSIGN(const auto format, in.Get<uint32_t>());
  if (format != kSegmentVersion) {
    return Fail(ErrorKind::kInternal, "the vector segment has format version {}; this program reads {}", format,
                kSegmentVersion);
  }
  LH_ASSIGN(header.options.dimension, in.Get<uint32_t>());
  LH_ASSIGN(const auto metric, in.Get<uint32_t>());
  LH_ASSIGN(const auto quantization, in.Get<uint32_t>());
  if (metric > 2 || quantization > 4) return WrongSegment("its metric or quantization is unknown");
  header.options.metric = static_cast<Metric>(metric);
  header.options.quantization = static_cast<Quantization>(quantization);
  LH_ASSIGN(header.options.m, in.Get<uint32_t>());
  LH_ASSIGN(header.options.ef_construction, in.Get<uint32_t>());
  if (!CheckOptions(header.options)) return WrongSegment("its options are impossible");
  LH_ASSIGN(header.version, in.Get<uint64_t>());
  LH_ASSIGN(header.log.epoch, in.Get<uint32_t>());
  if (auto unused = in.Get<uint32_t>(); !unused) return Fail(std::move(unused).error());
  for (uint64_t* field : {&header.log.number, &header.seed, &header.slots, &header.live, &header.upper_rows,
                          &header.entry, &header.node_stride}) {
    LH_ASSIGN(*field, in.Get<uint64_t>());
  }
  uint64_t end = kSegmentPage;
  for (auto& place : header.sections) {
    LH_ASSIGN(place.offset, in.Get<uint64_t>());
    LH_ASSIGN(place.bytes, in.Get<uint64_t>());
    LH_ASSIGN(place.checksum, in.Get<uint64_t>());
    if (place.offset < end || place.offset % kSegmentPage != 0 || place.offset > file_bytes ||
        place.bytes > file_bytes - place.offset) {
      return WrongSegment("a section lies outside the file");
    }
    end = place.offset + place.bytes;
  }
  LH_TRY(CheckCounts(header));
  return header;
}

Result<OpenSegment> MapSegment(const std::filesystem::path& path, unsigned threads) {
  FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return Fail(ErrnoError(errno, "opening a segment of a vector index"));
  struct stat info{};
  if (fstat(file.get(), &info) != 0) return Fail(ErrnoError(errno, "a segment of a vector index"));
  const auto bytes = static_cast<uint64_t>(info.st_size);
  if (bytes < kSegmentPage) return WrongSegment("it is shorter than its header");
  OpenSegment segment;
  LH_ASSIGN(auto mapping, Mapping::OfFile(std::move(file), bytes));
  segment.mapping = std::make_shared<Mapping>(std::move(mapping));
  LH_ASSIGN(segment.header, DecodeSegmentHeader({segment.mapping->data(), kSegmentPage}, bytes));
  LH_TRY(VerifySections(segment, false, threads));
  return segment;
}

Status VerifyLargeSections(const OpenSegment& segment, unsigned threads) {
  return VerifySections(segment, true, threads);
}

}  // namespace lakehouse::vector
