#include "ingest/decoding_source.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <optional>
#include <vector>

namespace lakehouse::ingest {
namespace {

constexpr size_t kInputBytes = 256 << 10;

// What both decoders share: a buffer of encoded bytes and where the decoder stands in it.
class Input {
 public:
  explicit Input(ByteSource& source) : source_(source), buffer_(kInputBytes) {}
  // False at the source's end. REQUIRES: everything was taken.
  Result<bool> Refill() {
    LH_ASSIGN(size_, source_.Read(buffer_));
    taken_ = 0;
    return size_ > 0;
  }
  bool empty() const { return taken_ == size_; }
  char* data() { return buffer_.data() + taken_; }
  size_t size() const { return size_ - taken_; }
  void Take(size_t count) { taken_ += count; }

 private:
  ByteSource& source_;
  std::vector<char> buffer_;
  size_t size_ = 0, taken_ = 0;
};

class GzipSource final : public ByteSource {
 public:
  explicit GzipSource(ByteSource& source) : input_(source) {
    constexpr int kGzipOnly = 16 + MAX_WBITS;
    inflateInit2(&stream_, kGzipOnly);
  }
  ~GzipSource() override { inflateEnd(&stream_); }
  GzipSource(const GzipSource&) = delete;
  GzipSource& operator=(const GzipSource&) = delete;

  Result<size_t> Read(std::span<char> out) override {
    while (true) {
      if (input_.empty()) {
        LH_ASSIGN(const bool more, input_.Refill());
        if (!more) {
          if (in_member_ || !any_) return Fail(ErrorKind::kInvalid, "the gzip data ends early");
          return size_t{0};
        }
      }
      if (!in_member_) {
        if (any_) inflateReset(&stream_);
        in_member_ = any_ = true;
      }
      stream_.next_in = reinterpret_cast<Bytef*>(input_.data());
      stream_.avail_in = static_cast<uInt>(input_.size());
      stream_.next_out = reinterpret_cast<Bytef*>(out.data());
      stream_.avail_out = static_cast<uInt>(std::min<size_t>(out.size(), UINT32_MAX));
      const uInt room = stream_.avail_out;
      const int code = inflate(&stream_, Z_NO_FLUSH);
      input_.Take(input_.size() - stream_.avail_in);
      if (code == Z_STREAM_END) {
        in_member_ = false;
      } else if (code != Z_OK && code != Z_BUF_ERROR) {
        return Fail(ErrorKind::kInvalid, "the body is no gzip data ({}): is Content-Encoding right?",
                    stream_.msg == nullptr ? "damaged" : stream_.msg);
      }
      if (room > stream_.avail_out) return static_cast<size_t>(room - stream_.avail_out);
    }
  }

 private:
  Input input_;
  z_stream stream_ = {};
  bool in_member_ = false, any_ = false;
};

class ZstdSource final : public ByteSource {
 public:
  explicit ZstdSource(ByteSource& source) : input_(source), stream_(ZSTD_createDStream()) {}
  ~ZstdSource() override { ZSTD_freeDStream(stream_); }
  ZstdSource(const ZstdSource&) = delete;
  ZstdSource& operator=(const ZstdSource&) = delete;

  Result<size_t> Read(std::span<char> out) override {
    while (true) {
      ZSTD_inBuffer in{input_.data(), input_.size(), 0};
      ZSTD_outBuffer decoded{out.data(), out.size(), 0};
      const size_t code = ZSTD_decompressStream(stream_, &decoded, &in);
      if (ZSTD_isError(code) != 0) {
        return Fail(ErrorKind::kInvalid, "the body is no zstd data ({}): is Content-Encoding right?",
                    ZSTD_getErrorName(code));
      }
      if (in.pos > 0 || decoded.pos > 0) at_frame_end_ = code == 0;
      input_.Take(in.pos);
      if (decoded.pos > 0) return decoded.pos;
      if (!input_.empty()) continue;
      LH_ASSIGN(const bool more, input_.Refill());
      if (more) continue;
      if (!at_frame_end_) return Fail(ErrorKind::kInvalid, "the zstd data ends early");
      return size_t{0};
    }
  }

 private:
  Input input_;
  ZSTD_DStream* stream_;
  bool at_frame_end_ = false;
};

class Latin1Source final : public ByteSource {
 public:
  explicit Latin1Source(ByteSource& source) : source_(source), buffer_(kInputBytes) {}

  Result<size_t> Read(std::span<char> out) override {
    // A byte becomes at most two; a reader with room for one is given the rest next time.
    size_t done = 0;
    if (held_) {
      out[done++] = *held_;
      held_.reset();
      if (done == out.size()) return done;
    }
    LH_ASSIGN(const size_t taken,
              source_.Read(std::span(buffer_).first(std::clamp<size_t>((out.size() - done) / 2, 1, buffer_.size()))));
    for (size_t i = 0; i < taken; ++i) {
      const auto byte = static_cast<unsigned char>(buffer_[i]);
      if (byte < 0x80) {
        out[done++] = static_cast<char>(byte);
        continue;
      }
      out[done++] = static_cast<char>(0xC0 | byte >> 6);
      const char second = static_cast<char>(0x80 | (byte & 0x3F));
      if (done < out.size()) {
        out[done++] = second;
      } else {
        held_ = second;
      }
    }
    return done;
  }

 private:
  ByteSource& source_;
  std::vector<char> buffer_;
  std::optional<char> held_;
};

}  // namespace

std::unique_ptr<ByteSource> DecodeGzip(ByteSource& source) { return std::make_unique<GzipSource>(source); }
std::unique_ptr<ByteSource> DecodeZstd(ByteSource& source) { return std::make_unique<ZstdSource>(source); }
std::unique_ptr<ByteSource> DecodeLatin1(ByteSource& source) { return std::make_unique<Latin1Source>(source); }

}  // namespace lakehouse::ingest
