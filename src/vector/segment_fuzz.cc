// A good segment with some bytes written over, every checksum right: no crash before or after it is verified, and what
// is verified takes batches. The input is a list of places (section, 32 bits) and bytes to put there.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>

#include "base/file.h"
#include "base/hash.h"
#include "vector/index.h"
#include "vector/item_scan.h"

namespace lakehouse::vector {
namespace {

constexpr uint32_t kDimension = 17;
constexpr size_t kItems = 1100;  // enough for a graph

[[noreturn]] void Die() { std::abort(); }

std::vector<float> VectorOf(size_t i) {
  std::vector<float> vector(kDimension);
  for (uint32_t d = 0; d < kDimension; ++d) vector[d] = std::sin(static_cast<float>(i * (d + 1)));
  return vector;
}

Batch Items(size_t from, size_t to) {
  Batch batch;
  for (size_t i = from; i < to; ++i) {
    const auto vector = VectorOf(i);
    batch.ids.push_back(std::to_string(i));
    batch.vectors.insert(batch.vectors.end(), vector.begin(), vector.end());
    batch.metadata.emplace_back("{\"n\":" + std::to_string(i) + "}");
  }
  return batch;
}

std::string PathOf(const FileDescriptor& file) { return "/proc/self/fd/" + std::to_string(file.get()); }

std::string GoodSegment() {
  IndexOptions options{.dimension = kDimension, .metric = Metric::kL2, .m = 4, .ef_construction = 16};
  const auto index = *Index::Make(options, std::nullopt, 1);
  if (!index->Apply(Items(0, kItems))) Die();
  const std::string path = "/tmp/segment-fuzz-" + std::to_string(getpid());
  if (!WriteSegment(index->Capture({1, 1})->capture, path)) Die();
  std::string bytes(std::filesystem::file_size(path), '\0');
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!ReadFullyAt(file.get(), bytes.data(), bytes.size(), 0)) Die();
  std::filesystem::remove(path);
  return bytes;
}

void WriteOver(std::string& bytes, SegmentHeader& header, const uint8_t* data, size_t size) {
  constexpr size_t kEdit = 9;  // section, place, bytes
  for (; size >= kEdit; data += kEdit, size -= kEdit) {
    const auto& place = header.sections[data[0] % kSections];
    uint32_t at;
    std::memcpy(&at, data + 1, sizeof at);
    if (place.bytes >= 4) std::memcpy(bytes.data() + place.offset + at % (place.bytes - 3), data + 5, 4);
  }
  for (auto& place : header.sections) place.checksum = Xxh3(std::string_view(bytes).substr(place.offset, place.bytes));
  bytes.replace(0, kSegmentPage, EncodeSegmentHeader(header));
}

void Use(Index& index) {
  for (const size_t i : {size_t{1}, size_t{500}}) {
    SearchRequest request;
    request.vector = VectorOf(i);
    index.Search({}, request);
    request.filter = *Filter::Parse(R"({"n":{"$lt":900}})");
    index.Search({}, request);
    index.Get(std::to_string(i));
  }
}

}  // namespace
}  // namespace lakehouse::vector

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lakehouse::vector;
  static const std::string good = GoodSegment();
  std::string bytes = good;
  SegmentHeader header = *DecodeSegmentHeader(std::string_view(bytes).substr(0, kSegmentPage), bytes.size());
  WriteOver(bytes, header, data, size);
  const lakehouse::FileDescriptor file(memfd_create("segment", MFD_CLOEXEC));
  if (!lakehouse::WriteFully(file.get(), bytes)) Die();
  const auto segment = MapSegment(PathOf(file), 1);
  if (!segment) return 0;
  const auto index = Index::Adopt(*segment, std::nullopt, 1, {});
  if (!index) return 0;
  Use(**index);
  if (!(*index)->Verify()) return 0;
  (*(*index)->Scan({}))->Next(2 * kItems);
  (*index)->Apply(Items(kItems - 10, kItems + 10));
  Use(**index);
  return 0;
}
