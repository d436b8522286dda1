#include "http/multipart.h"

#include <algorithm>
#include <cstring>

#include "http/framing.h"

namespace lakehouse::http {

namespace {

constexpr size_t kMultipartBuffer = 256 << 10;
constexpr size_t kMaxPartHead = 16 << 10;
constexpr size_t kMaxField = 64 << 10;
constexpr size_t kMaxFields = 100;
constexpr size_t kMaxPreamble = 64 << 10;

template <typename... Args>
std::unexpected<Error> Bad(fmt::format_string<Args...> format, Args&&... args) {
  return Fail(
      Error{ErrorKind::kInvalid, "the form: " + fmt::format(format, std::forward<Args>(args)...), std::nullopt, {}});
}

// One parameter of a header value such as `form-data; name="x"; filename="y"`, quotes and escapes undone.
struct Parameters {
  std::string kind;  // before the first semicolon
  std::vector<std::pair<std::string, std::string>> list;

  const std::string* Find(std::string_view name) const {
    for (const auto& [key, value] : list) {
      if (EqualsNoCase(key, name)) return &value;
    }
    return nullptr;
  }
};

// Cuts a quoted string off the front of `text`, which starts with its quote. Browsers escape quotes as %22 and leave
// backslashes alone (a file name of Windows), so only an escaped quote is an escape.
bool TakeQuoted(std::string_view& text, std::string& value) {
  text.remove_prefix(1);
  while (!text.empty()) {
    if (text.front() == '"') {
      text.remove_prefix(1);
      return true;
    }
    if (text.size() > 1 && text[0] == '\\' && text[1] == '"') text.remove_prefix(1);
    value.push_back(text.front());
    text.remove_prefix(1);
  }
  return false;
}

Result<Parameters> ParseParameters(std::string_view text) {
  Parameters parsed;
  const size_t first = std::min(text.find(';'), text.size());
  parsed.kind = TrimBlanks(text.substr(0, first));
  text.remove_prefix(first);
  while (!text.empty()) {
    text = TrimBlanks(text.substr(1));  // behind the semicolon
    if (text.empty()) break;
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos) return Bad("a parameter of '{}' has no value", parsed.kind);
    const std::string_view name = TrimBlanks(text.substr(0, equals));
    text = TrimBlanks(text.substr(equals + 1));
    std::string value;
    if (text.starts_with('"')) {
      if (!TakeQuoted(text, value)) return Bad("a quoted parameter of '{}' has no end", parsed.kind);
      text = TrimBlanks(text);
      if (!text.empty() && text.front() != ';')
        return Bad("a parameter of '{}' goes on behind its quotes", parsed.kind);
    } else {
      const size_t end = std::min(text.find(';'), text.size());
      value = TrimBlanks(text.substr(0, end));
      text.remove_prefix(end);
    }
    parsed.list.emplace_back(name, std::move(value));
  }
  return parsed;
}

bool IsBoundary(std::string_view text) {
  constexpr std::string_view kMore = "'()+_,-./:=? ";
  return !text.empty() && text.size() <= 70 && text.back() != ' ' && std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kMore.find(c) != std::string_view::npos;
  });
}

}  // namespace

Result<size_t> FilePart::Read(std::span<char> out) { return reader_.ReadFile(out); }

MultipartReader::MultipartReader(std::string boundary, ByteSource& body)
    // The first boundary needs no line end before it; with one lent to it, all boundaries look the same.
    : body_(body), delimiter_("\r\n--" + std::move(boundary)), buffer_(kMultipartBuffer), end_(2) {
  buffer_[0] = '\r';
  buffer_[1] = '\n';
}

Result<std::unique_ptr<MultipartReader>> MultipartReader::Open(std::string_view content_type, ByteSource& body) {
  LH_ASSIGN(const Parameters type, ParseParameters(content_type));
  if (!EqualsNoCase(type.kind, "multipart/form-data")) return Bad("Content-Type is not multipart/form-data");
  const std::string* boundary = type.Find("boundary");
  if (boundary == nullptr) return Bad("Content-Type has no boundary");
  if (!IsBoundary(*boundary)) return Bad("the boundary in Content-Type is not 1 to 70 of the characters of RFC 2046");
  return std::unique_ptr<MultipartReader>(new MultipartReader(*boundary, body));
}

// Reads more of the body behind what is buffered. At the body's end: a fault, since all callers wait for something.
Status MultipartReader::Fill() {
  if (body_ended_)
    return Bad("the body ends after {} bytes without the closing boundary; was the upload cut off?", bytes_);
  // What is waited for is shorter than the buffer: a delimiter, or a head with its limit.
  std::memmove(buffer_.data(), buffer_.data() + at_, end_ - at_);
  end_ -= at_;
  data_end_ -= std::min(data_end_, at_);
  at_ = 0;
  LH_ASSIGN(const size_t got, body_.Read(std::span(buffer_).subspan(end_)));
  bytes_ += got;
  end_ += got;
  if (got > 0) return {};
  body_ended_ = true;
  return Fill();
}

// Data of the current part up to its delimiter; 0 at the delimiter, which stays buffered.
Result<size_t> MultipartReader::ReadData(std::span<char> out) {
  for (;;) {
    if (at_ < data_end_) {
      const size_t size = std::min(out.size(), data_end_ - at_);
      std::memcpy(out.data(), buffer_.data() + at_, size);
      at_ += size;
      return size;
    }
    const void* found = memmem(buffer_.data() + at_, end_ - at_, delimiter_.data(), delimiter_.size());
    if (found != nullptr) {
      data_end_ = static_cast<size_t>(static_cast<const char*>(found) - buffer_.data());
      if (data_end_ > at_) continue;
      LH_ASSIGN(const bool is_delimiter, AtDelimiter());
      if (is_delimiter) return size_t{0};
      data_end_ = at_ + 1;  // only looked like it
      continue;
    }
    // All but a tail that may be the start of the delimiter.
    const size_t tail = delimiter_.size() - 1;
    if (end_ - at_ > tail) {
      data_end_ = end_ - tail;
    } else {
      LH_TRY(Fill());
    }
  }
}

// Whether the boundary that stands next ends there: text that only starts like it is data.
Result<bool> MultipartReader::AtDelimiter() {
  while (Buffered().size() < delimiter_.size() + 2) LH_TRY(Fill());
  const std::string_view after = Buffered().substr(delimiter_.size(), 2);
  return after == "--" || after == "\r\n" || after[0] == ' ' || after[0] == '\t';
}

// REQUIRES: AtDelimiter.
Result<MultipartReader::Next> MultipartReader::TakeDelimiter() {
  at_ += delimiter_.size();
  data_end_ = at_;
  if (Buffered().starts_with("--")) return Next::kEnd;
  size_t line_end;
  while ((line_end = Buffered().find("\r\n")) == std::string_view::npos) {
    if (Buffered().size() > kMaxPartHead) return Bad("a boundary line has no end");
    LH_TRY(Fill());
  }
  if (!TrimBlanks(Buffered().substr(0, line_end)).empty()) return Bad("a boundary is followed by text in its line");
  at_ += line_end + 2;
  data_end_ = at_;
  return Next::kPart;
}

Result<MultipartReader::PartHead> MultipartReader::ReadPartHead() {
  size_t end;
  while ((end = Buffered().starts_with("\r\n") ? 0 : Buffered().find("\r\n\r\n")) == std::string_view::npos) {
    if (Buffered().size() > kMaxPartHead) break;
    LH_TRY(Fill());
  }
  if (end == std::string_view::npos || end > kMaxPartHead) {
    return Bad("the headers of a part are longer than {} bytes", kMaxPartHead);
  }
  std::string_view lines = Buffered().substr(0, end);
  PartHead head;
  bool described = false;
  while (!lines.empty()) {
    const size_t line_end = std::min(lines.find("\r\n"), lines.size());
    const std::string_view line = lines.substr(0, line_end);
    lines.remove_prefix(std::min(line_end + 2, lines.size()));
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || !IsToken(line.substr(0, colon)))
      return Bad("a header line of a part has no name");
    const std::string_view value = TrimBlanks(line.substr(colon + 1));
    if (EqualsNoCase(line.substr(0, colon), "Content-Type")) head.content_type = value;
    if (!EqualsNoCase(line.substr(0, colon), "Content-Disposition")) continue;
    LH_ASSIGN(const Parameters disposition, ParseParameters(value));
    const std::string* name = disposition.Find("name");
    const std::string* filename = disposition.Find("filename");
    head.is_file = filename != nullptr || disposition.Find("filename*") != nullptr;
    if (name != nullptr) head.name = *name;
    if (filename != nullptr) head.filename = *filename;
    described = EqualsNoCase(disposition.kind, "form-data");
  }
  if (!described) return Bad("a part has no 'Content-Disposition: form-data'");
  at_ += end == 0 ? 2 : end + 4;
  data_end_ = at_;
  return head;
}

Status MultipartReader::ReadField(const PartHead& head) {
  if (fields_.size() >= kMaxFields) return Bad("more than {} fields", kMaxFields);
  std::string value;
  char bytes[4096];
  for (;;) {
    LH_ASSIGN(const size_t got, ReadData(bytes));
    if (got == 0) break;
    value.append(bytes, got);
    if (value.size() > kMaxField) {
      return Bad("field '{}' is longer than {} bytes; a file needs a filename in its Content-Disposition", head.name,
                 kMaxField);
    }
  }
  fields_.emplace_back(head.name, std::move(value));
  return {};
}

Status MultipartReader::SkipPreamble() {
  char bytes[4096];
  for (;;) {
    LH_ASSIGN(const size_t got, ReadData(bytes));
    if (got == 0) return {};
    if (bytes_ > kMaxPreamble + kMultipartBuffer)
      return Bad("the boundary named in Content-Type is not where the body starts");
  }
}

Result<std::unique_ptr<FilePart>> MultipartReader::NextFile() {
  LH_TRY(SkipPreamble());
  for (;;) {
    LH_ASSIGN(const Next next, TakeDelimiter());
    if (next == Next::kEnd) return Bad("it has no file field");
    LH_ASSIGN(PartHead head, ReadPartHead());
    if (head.is_file) {
      return std::make_unique<FilePart>(*this, std::move(head.name), std::move(head.filename),
                                        std::move(head.content_type));
    }
    LH_TRY(ReadField(head));
  }
}

// What comes after the file: fields, and the closing boundary. What follows that is no part of the form (RFC
// 2046, 5.1.1).
Status MultipartReader::FinishForm(Next next) {
  while (next == Next::kPart) {
    LH_ASSIGN(const PartHead head, ReadPartHead());
    if (head.is_file) return Bad("it has a second file field ('{}'); send one file a request", head.name);
    LH_TRY(ReadField(head));
    LH_ASSIGN(next, TakeDelimiter());
  }
  LH_ASSIGN([[maybe_unused]] const std::string epilogue, ReadAll(body_, kMaxPreamble));
  return {};
}

Result<size_t> MultipartReader::ReadFile(std::span<char> out) {
  if (file_ended_) return size_t{0};
  LH_ASSIGN(const size_t got, ReadData(out));
  if (got > 0) return got;
  LH_ASSIGN(const Next next, TakeDelimiter());
  LH_TRY(FinishForm(next));
  file_ended_ = true;
  return size_t{0};
}

}  // namespace lakehouse::http
