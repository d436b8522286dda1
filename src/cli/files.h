// Files that commands read and write, standard input and output among them.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "cli/console.h"

namespace lakehouse::cli {

// The names that arguments stand for: what exists is itself, a pattern (* ? [) is what it matches, in order; "-" is
// standard input. kNotFound naming the first that is nothing.
Result<std::vector<std::string>> ExpandFiles(const std::vector<std::string>& arguments);

// Bytes of a file, or of a pipe until its end. Used by one thread.
class InputFile final : public ByteSource {
 public:
  // "-" is the console's input. kNotFound, kForbidden, or kInvalid for a folder.
  static Result<std::unique_ptr<InputFile>> Open(const std::string& name, const Console& console);
  // kCancelled once the console's stop is requested, also while a pipe says nothing.
  Result<size_t> Read(std::span<char> out) override;
  // Of a regular file.
  std::optional<uint64_t> size() const { return size_; }

 private:
  InputFile(FileDescriptor owned, int descriptor, std::optional<uint64_t> size, std::string name, std::stop_token stop);

  FileDescriptor owned_;
  int descriptor_;
  std::optional<uint64_t> size_;
  std::string name_;
  std::stop_token stop_;
};

// Standard output, or a file that appears under its name only once it is whole. Used by one thread.
class OutputFile final : public ByteSink {
 public:
  // Empty or "-": the console.
  static Result<std::unique_ptr<OutputFile>> Open(const std::string& name, Console& console);
  ~OutputFile() override;
  Status Write(std::string_view bytes) override;
  Status Finish();

 private:
  OutputFile(Console& console, std::string name, std::string scratch, FileDescriptor file);

  Console& console_;
  std::string name_, scratch_;
  FileDescriptor file_;
};

// Everything of `source` into `sink`.
Status Copy(ByteSource& source, ByteSink& sink);

}  // namespace lakehouse::cli
