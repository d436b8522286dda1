#include "ingest/decoding_source.h"

#include <gmock/gmock.h>
#include <zlib.h>
#include <zstd.h>

namespace lakehouse::ingest {
namespace {

using testing::HasSubstr;

std::string Gzip(std::string_view text) {
  z_stream stream = {};
  deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string Zstd(std::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

// A source that gives a few bytes at a time.
class Dripping final : public ByteSource {
 public:
  explicit Dripping(std::string_view bytes) : rest_(bytes) {}
  Result<size_t> Read(std::span<char> out) override {
    const size_t count = std::min({out.size(), rest_.size(), size_t{3}});
    rest_.copy(out.data(), count);
    rest_.remove_prefix(count);
    return count;
  }

 private:
  std::string_view rest_;
};

std::string Numbers() {
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += std::to_string(i * 7919) + "\n";
  return text;
}

TEST(DecodingSource, GzipWithSeveralMembers) {
  const std::string text = Numbers();
  const std::string encoded = Gzip(text) + Gzip("") + Gzip("end");
  StringSource whole(encoded);
  EXPECT_EQ(ReadAll(*DecodeGzip(whole), 1 << 24).value(), text + "end");
  Dripping dripping(encoded);
  EXPECT_EQ(ReadAll(*DecodeGzip(dripping), 1 << 24).value(), text + "end");
}

TEST(DecodingSource, ZstdWithSeveralFrames) {
  const std::string text = Numbers();
  const std::string encoded = Zstd(text) + Zstd("") + Zstd("end");
  StringSource whole(encoded);
  EXPECT_EQ(ReadAll(*DecodeZstd(whole), 1 << 24).value(), text + "end");
  Dripping dripping(encoded);
  EXPECT_EQ(ReadAll(*DecodeZstd(dripping), 1 << 24).value(), text + "end");
}

TEST(DecodingSource, WrongEncodingIsInvalid) {
  StringSource gzip("a,b\n1,2\n"), zstd("a,b\n1,2\n");
  const auto from_gzip = ReadAll(*DecodeGzip(gzip), 1 << 20);
  const auto from_zstd = ReadAll(*DecodeZstd(zstd), 1 << 20);
  ASSERT_FALSE(from_gzip.has_value());
  ASSERT_FALSE(from_zstd.has_value());
  EXPECT_EQ(from_gzip.error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(from_zstd.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(from_gzip.error().detail, HasSubstr("Content-Encoding"));
}

TEST(DecodingSource, EarlyEndIsInvalid) {
  const std::string text = Numbers();
  for (const bool gzip : {true, false}) {
    const std::string encoded = gzip ? Gzip(text) : Zstd(text);
    for (const size_t kept : {size_t{0}, size_t{1}, encoded.size() / 2, encoded.size() - 1}) {
      StringSource source(std::string_view(encoded).substr(0, kept));
      const auto decoder = gzip ? DecodeGzip(source) : DecodeZstd(source);
      const auto decoded = ReadAll(*decoder, 1 << 24);
      ASSERT_FALSE(decoded.has_value()) << kept;
      EXPECT_EQ(decoded.error().kind, ErrorKind::kInvalid);
    }
  }
}

TEST(DecodingSource, Latin1InAnyPieces) {
  const std::string latin1 = "caf\xE9,\xFF\x80,a";
  const std::string utf8 = "caf\xC3\xA9,\xC3\xBF\xC2\x80,a";
  for (size_t piece = 1; piece < 8; ++piece) {
    StringSource source(latin1);
    const auto decoder = DecodeLatin1(source);
    std::string decoded, buffer(piece, '\0');
    while (true) {
      const auto count = decoder->Read(buffer);
      ASSERT_TRUE(count.has_value());
      if (*count == 0) break;
      decoded.append(buffer, 0, *count);
    }
    EXPECT_EQ(decoded, utf8) << piece;
  }
}

}  // namespace
}  // namespace lakehouse::ingest
