// A form must read the same however its bytes arrive, and never end well when it was cut off.
#include <algorithm>
#include <cstdlib>

#include "http/multipart.h"

namespace lakehouse::http {
namespace {

class PieceSource final : public ByteSource {
 public:
  PieceSource(std::string_view bytes, size_t piece) : bytes_(bytes), piece_(piece) {}
  Result<size_t> Read(std::span<char> out) override {
    const size_t size = std::min({out.size(), piece_, bytes_.size()});
    bytes_.copy(out.data(), size);
    bytes_.remove_prefix(size);
    return size;
  }

 private:
  std::string_view bytes_;
  size_t piece_;
};

// The file and the fields, or nothing when the form is refused.
std::optional<std::string> ReadForm(std::string_view body, size_t piece, size_t out_size) {
  PieceSource source(body, piece);
  const auto reader = MultipartReader::Open("multipart/form-data; boundary=XX", source);
  const auto file = (*reader)->NextFile();
  if (!file) return std::nullopt;
  std::string all = (*file)->name() + "|" + (*file)->filename() + "|" + (*file)->content_type() + "|";
  std::string out(out_size, '\0');
  for (;;) {
    const auto got = (*file)->Read(out);
    if (!got) return std::nullopt;
    if (*got == 0) break;
    all.append(out, 0, *got);
  }
  for (const auto& [name, value] : (*reader)->fields()) all.append("|").append(name).append("=").append(value);
  return all;
}

}  // namespace
}  // namespace lakehouse::http

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using lakehouse::http::ReadForm;
  if (size > 4096) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto whole = ReadForm(bytes, 1 << 20, 8192);
  if (ReadForm(bytes, 1, 8192) != whole || ReadForm(bytes, 3, 1) != whole) std::abort();
  if (whole && bytes.find("--XX--") == std::string_view::npos) std::abort();
  // The media type itself is as foreign as the body.
  lakehouse::http::PieceSource source(bytes, 100);
  (void)lakehouse::http::MultipartReader::Open(bytes, source);
  return 0;
}
