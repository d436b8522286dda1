#include "base/uuid.h"

#include <sys/random.h>

#include <array>
#include <cstdint>
#include <cstdlib>

#include "base/hash.h"

namespace lakehouse {
namespace {

constexpr std::string_view kDatasetNamespace = "a8f3c1d2-4e5b-5a6c-9d8e-7f0a1b2c3d4e";

std::string Format(uint8_t* bytes, uint8_t version) {
  bytes[6] = static_cast<uint8_t>((bytes[6] & 0x0f) | (version << 4));
  bytes[8] = static_cast<uint8_t>((bytes[8] & 0x3f) | 0x80);
  std::string text = ToHex(bytes, 16);
  for (const size_t dash : {8, 13, 18, 23}) text.insert(dash, 1, '-');
  return text;
}

}  // namespace

std::string RandomUuid() {
  std::array<uint8_t, 16> bytes;
  // getrandom of at most 256 bytes neither fails nor is cut short once the system is up.
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) std::abort();
  return Format(bytes.data(), 4);
}

std::string NameUuid(std::string_view space, std::string_view name) {
  std::string input;
  int half = -1;
  for (const char c : space) {
    if (c == '-') continue;
    const int digit = c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
    if (half < 0) {
      half = digit;
    } else {
      input.push_back(static_cast<char>(half << 4 | digit));
      half = -1;
    }
  }
  input.append(name);
  auto digest = Sha1Of(input);
  return Format(digest.data(), 5);
}

std::string DatasetUuid(std::string_view name) { return NameUuid(kDatasetNamespace, name); }

}  // namespace lakehouse
