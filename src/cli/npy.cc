#include "cli/npy.h"

#include <array>
#include <charconv>
#include <optional>
#include <string>

#include "cli/text.h"

namespace lakehouse::cli {

namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
// numpy writes some 100 bytes; it reads at most 10,000.
constexpr size_t kMaxDictionaryBytes = 64 << 10;
constexpr uint64_t kMaxDimension = 4096;

struct Prefix {
  size_t before = 0;  // bytes before the dictionary
  size_t dictionary = 0;
};

uint32_t ByteAt(std::string_view bytes, size_t at) { return static_cast<unsigned char>(bytes[at]); }

Result<Prefix> ReadPrefix(std::string_view bytes) {
  if (!bytes.starts_with(kMagic)) return Fail(ErrorKind::kInvalid, "this is no .npy file: it does not start like one");
  if (bytes.size() < kNpyPrefixBytes) return Fail(ErrorKind::kInvalid, "the .npy header is cut short");
  const uint32_t major = ByteAt(bytes, 6);
  if (major < 1 || major > 3 || ByteAt(bytes, 7) != 0)
    return Fail(ErrorKind::kInvalid, "version {}.{} of the .npy format is not known", major, ByteAt(bytes, 7));
  Prefix prefix;
  prefix.before = major == 1 ? 10 : 12;
  for (size_t i = prefix.before; i-- > 8;) prefix.dictionary = prefix.dictionary << 8 | ByteAt(bytes, i);
  if (prefix.dictionary > kMaxDictionaryBytes)
    return Fail(ErrorKind::kInvalid, "the .npy header claims {} bytes; at most {} are read", prefix.dictionary,
                kMaxDictionaryBytes);
  return prefix;
}

struct Shape {
  std::array<uint64_t, 2> sizes{};
  size_t count = 0;
};

// The one form of dictionary that numpy writes: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), } in any
// order.
class Dictionary {
 public:
  explicit Dictionary(std::string_view rest) : rest_(rest) {}

  Result<NpyHeader> Parse() {
    LH_TRY(Expect('{'));
    while (!Take('}')) {
      LH_ASSIGN(const std::string_view key, Quoted());
      LH_TRY(Expect(':'));
      LH_TRY(ReadValue(key));
      if (Take(',')) continue;
      LH_TRY(Expect('}'));
      break;
    }
    SkipSpace();
    if (!rest_.empty()) return Malformed("it goes on after its dictionary");
    if (!type_ || !order_ || !shape_) return Malformed("it lacks descr, fortran_order or shape");
    return Header();
  }

 private:
  static std::unexpected<Error> Malformed(std::string_view why) {
    return Fail(ErrorKind::kInvalid, "the .npy header cannot be read: {}", why);
  }

  Status ReadValue(std::string_view key) {
    if (key == "descr" && !type_) {
      if (Peek() == '[') return Fail(ErrorKind::kInvalid, "the array has several fields; <f4 or <f8 is wanted");
      LH_ASSIGN(const std::string_view type, Quoted());
      type_ = type;
    } else if (key == "fortran_order" && !order_) {
      order_ = TakeWord("True");
      if (!*order_ && !TakeWord("False")) return Malformed("fortran_order is neither True nor False");
    } else if (key == "shape" && !shape_) {
      return ReadShape();
    } else {
      return Malformed(fmt::format("it has the key '{}' twice, or should not have it", Printable(key)));
    }
    return {};
  }

  Status ReadShape() {
    LH_TRY(Expect('('));
    shape_.emplace();
    while (!Take(')')) {
      if (shape_->count == shape_->sizes.size()) return WrongShape();
      SkipSpace();
      uint64_t size = 0;
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), size);
      if (error != std::errc()) return Malformed("the shape has something that is no whole number, or too large a one");
      rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
      shape_->sizes[shape_->count++] = size;
      if (Take(',')) continue;
      LH_TRY(Expect(')'));
      break;
    }
    return {};
  }

  static std::unexpected<Error> WrongShape() {
    return Fail(ErrorKind::kInvalid, "the array must have two dimensions: one row a vector");
  }

  Result<NpyHeader> Header() const {
    NpyHeader header;
    if (*type_ != "<f4" && *type_ != "<f8") {
      return Fail(ErrorKind::kInvalid, "the array has the type {}; float32 (<f4) or float64 (<f8) is wanted",
                  Printable(*type_));
    }
    header.float_bytes = *type_ == "<f4" ? 4 : 8;
    if (*order_)
      return Fail(ErrorKind::kInvalid, "the array is in Fortran order; save it with numpy.ascontiguousarray");
    if (shape_->count != 2) return WrongShape();
    header.rows = shape_->sizes[0];
    header.dimension = shape_->sizes[1];
    if (header.dimension == 0 || header.dimension > kMaxDimension)
      return Fail(ErrorKind::kInvalid, "the rows have {} numbers; a vector has 1 to {}", header.dimension,
                  kMaxDimension);
    if (header.rows > static_cast<uint64_t>(INT64_MAX) / header.RowBytes())
      return Fail(ErrorKind::kInvalid, "the array claims {} rows, more than a file can hold", header.rows);
    return header;
  }

  void SkipSpace() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\n')) rest_.remove_prefix(1);
  }
  char Peek() {
    SkipSpace();
    return rest_.empty() ? '\0' : rest_.front();
  }
  bool Take(char wanted) {
    if (Peek() != wanted || rest_.empty()) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool TakeWord(std::string_view word) {
    SkipSpace();
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  Status Expect(char wanted) {
    if (Take(wanted)) return {};
    return Malformed(fmt::format("a {} is missing", wanted));
  }
  Result<std::string_view> Quoted() {
    const char quote = Peek();
    if (quote != '\'' && quote != '"') return Malformed("a text in quotes is missing");
    const size_t end = rest_.find(quote, 1);
    if (end == std::string_view::npos) return Malformed("a quote is not closed");
    const std::string_view text = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    return text;
  }

  std::string_view rest_;
  std::optional<std::string_view> type_;
  std::optional<bool> order_;
  std::optional<Shape> shape_;
};

}  // namespace

Result<size_t> NpyHeaderBytes(std::string_view prefix) {
  LH_ASSIGN(const Prefix read, ReadPrefix(prefix));
  return read.before + read.dictionary;
}

Result<NpyHeader> ParseNpyHeader(std::string_view bytes) {
  LH_ASSIGN(const Prefix prefix, ReadPrefix(bytes));
  if (bytes.size() != prefix.before + prefix.dictionary)
    return Fail(ErrorKind::kInvalid, "the .npy header is cut short");
  return Dictionary(bytes.substr(prefix.before)).Parse();
}

}  // namespace lakehouse::cli
