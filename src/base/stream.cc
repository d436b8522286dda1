#include "base/stream.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace lakehouse {

Result<size_t> StringSource::Read(std::span<char> out) {
  const size_t taken = std::min(out.size(), rest_.size());
  if (taken > 0) std::memcpy(out.data(), rest_.data(), taken);
  rest_.remove_prefix(taken);
  return taken;
}

Result<std::string> ReadAll(ByteSource& source, uint64_t limit_bytes) {
  std::string all;
  std::vector<char> piece(64 << 10);
  while (true) {
    LH_ASSIGN(const size_t taken, source.Read(piece));
    if (taken == 0) return all;
    if (all.size() + taken > limit_bytes) {
      return Fail(ErrorKind::kTooLarge, "the body is larger than the limit of {} bytes", limit_bytes);
    }
    all.append(piece.data(), taken);
  }
}

}  // namespace lakehouse
