// Checksums and digests. Each object is used by one thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace lakehouse {

using Sha256Digest = std::array<uint8_t, 32>;

// SHA-256 (FIPS 180-4) over pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void Update(std::string_view bytes);
  // Ends the digest; the object may not be used again.
  Sha256Digest Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Sha256Digest Sha256Of(std::string_view bytes);
Sha256Digest HmacSha256(std::string_view key, std::string_view message);
std::array<uint8_t, 20> Sha1Of(std::string_view bytes);

// XXH3, 64 and 128 bits: fast, for integrity against accidents, not against attackers.
uint64_t Xxh3(std::string_view bytes);
class Xxh3_128 {
 public:
  Xxh3_128();
  ~Xxh3_128();
  Xxh3_128(Xxh3_128&&) noexcept;
  Xxh3_128& operator=(Xxh3_128&&) noexcept;
  void Update(std::string_view bytes);
  // 32 lower-case hex digits.
  std::string FinishHex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string ToHex(const uint8_t* bytes, size_t size);
template <size_t kSize>
std::string ToHex(const std::array<uint8_t, kSize>& bytes) {
  return ToHex(bytes.data(), kSize);
}
std::string Base64Encode(std::string_view bytes);

}  // namespace lakehouse
