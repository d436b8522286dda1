// multipart/form-data (RFC 7578) as it streams in: one file among any small fields, never held whole.
//
//   LH_ASSIGN(const auto form, MultipartReader::Open(content_type, request.body()));
//   LH_ASSIGN(const auto file, form->NextFile());
//   … file->Read() to its end …
//
// The file's Read says 0 only after the closing boundary has been seen and no second file came: who reads to the end
// has a whole, well-formed form. Every fault is kInvalid and says what was expected. One thread at a time.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/stream.h"

namespace lakehouse::http {

class MultipartReader;

// The one file of a form. REQUIRES: its reader lives.
class FilePart final : public ByteSource {
 public:
  FilePart(MultipartReader& reader, std::string name, std::string filename, std::string content_type)
      : reader_(reader),
        name_(std::move(name)),
        filename_(std::move(filename)),
        content_type_(std::move(content_type)) {}
  Result<size_t> Read(std::span<char> out) override;
  const std::string& name() const { return name_; }
  const std::string& filename() const { return filename_; }          // as sent: never a path to open
  const std::string& content_type() const { return content_type_; }  // empty when the part has none

 private:
  MultipartReader& reader_;
  std::string name_, filename_, content_type_;
};

class MultipartReader {
 public:
  // kInvalid when `content_type` has no usable boundary (1 to 70 characters). REQUIRES: `body` outlives the reader.
  static Result<std::unique_ptr<MultipartReader>> Open(std::string_view content_type, ByteSource& body);
  // Reads up to the file. kInvalid when there is none. Call once.
  Result<std::unique_ptr<FilePart>> NextFile();
  // The other fields met so far: those before the file, and once it has been read all of them.
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

 private:
  friend class FilePart;
  MultipartReader(std::string boundary, ByteSource& body);

  struct PartHead {
    std::string name, filename, content_type;
    bool is_file = false;
  };
  // What follows a part's data.
  enum class Next { kPart, kEnd };

  Status Fill();
  std::string_view Buffered() const { return std::string_view(buffer_.data() + at_, end_ - at_); }
  Result<size_t> ReadData(std::span<char> out);
  Result<bool> AtDelimiter();
  Result<Next> TakeDelimiter();
  Result<PartHead> ReadPartHead();
  Status ReadField(const PartHead& head);
  Status SkipPreamble();
  Status FinishForm(Next next);
  Result<size_t> ReadFile(std::span<char> out);

  ByteSource& body_;
  const std::string delimiter_;  // CRLF, two dashes, boundary
  std::vector<char> buffer_;
  size_t at_ = 0;        // of the next unread byte in it
  size_t end_ = 0;       // of what has been received
  size_t data_end_ = 0;  // bytes up to here are known to be data
  uint64_t bytes_ = 0;   // of the body
  bool body_ended_ = false;
  bool file_ended_ = false;
  std::vector<std::pair<std::string, std::string>> fields_;
};

}  // namespace lakehouse::http
