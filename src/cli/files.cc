#include "cli/files.h"

#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "cli/exit_code.h"

namespace lakehouse::cli {

namespace {

constexpr char kStandardStream[] = "-";
constexpr size_t kCopyBytes = 256 << 10;
constexpr int kPollMilliseconds = 100;

bool IsPattern(const std::string& name) { return name.find_first_of("*?[") != std::string::npos; }

std::vector<std::string> Matches(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> names;
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) names.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  return names;
}

}  // namespace

Result<std::vector<std::string>> ExpandFiles(const std::vector<std::string>& arguments) {
  std::vector<std::string> names;
  for (const std::string& argument : arguments) {
    struct stat status{};
    if (argument == kStandardStream || ::stat(argument.c_str(), &status) == 0) {
      names.push_back(argument);
      continue;
    }
    std::vector<std::string> matches = IsPattern(argument) ? Matches(argument) : std::vector<std::string>();
    if (matches.empty()) {
      return Fail(ErrorKind::kNotFound, "{} {}", IsPattern(argument) ? "no file matches" : "there is no file",
                  argument);
    }
    names.insert(names.end(), matches.begin(), matches.end());
  }
  return names;
}

InputFile::InputFile(FileDescriptor owned, int descriptor, std::optional<uint64_t> size, std::string name,
                     std::stop_token stop)
    : owned_(std::move(owned)), descriptor_(descriptor), size_(size), name_(std::move(name)), stop_(std::move(stop)) {}

Result<std::unique_ptr<InputFile>> InputFile::Open(const std::string& name, const Console& console) {
  FileDescriptor owned;
  if (name != kStandardStream) {
    owned = FileDescriptor(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
    if (!owned.valid()) return Fail(ErrnoError(errno, fmt::format("cannot read {}", name)));
  }
  const int descriptor = owned.valid() ? owned.get() : console.in();
  struct stat status{};
  if (::fstat(descriptor, &status) != 0) return Fail(ErrnoError(errno, fmt::format("cannot read {}", name)));
  if (S_ISDIR(status.st_mode)) return Fail(ErrorKind::kInvalid, "{} is a folder, not a file", name);
  std::optional<uint64_t> size;
  if (owned.valid() && S_ISREG(status.st_mode)) size = static_cast<uint64_t>(status.st_size);
  return std::unique_ptr<InputFile>(new InputFile(std::move(owned), descriptor, size,
                                                  name == kStandardStream ? "standard input" : name, console.stop()));
}

Result<size_t> InputFile::Read(std::span<char> out) {
  while (true) {
    if (stop_.stop_requested()) return Fail(ErrorKind::kCancelled, "interrupted");
    pollfd waiting{descriptor_, POLLIN, 0};
    if (!size_ && ::poll(&waiting, 1, kPollMilliseconds) == 0) continue;
    const ssize_t read = ::read(descriptor_, out.data(), out.size());
    if (read >= 0) return static_cast<size_t>(read);
    if (errno != EINTR && errno != EAGAIN) return Fail(ErrnoError(errno, fmt::format("cannot read {}", name_)));
  }
}

OutputFile::OutputFile(Console& console, std::string name, std::string scratch, FileDescriptor file)
    : console_(console), name_(std::move(name)), scratch_(std::move(scratch)), file_(std::move(file)) {}

OutputFile::~OutputFile() {
  if (!scratch_.empty()) ::unlink(scratch_.c_str());
}

Result<std::unique_ptr<OutputFile>> OutputFile::Open(const std::string& name, Console& console) {
  if (name.empty() || name == kStandardStream) {
    return std::unique_ptr<OutputFile>(new OutputFile(console, "", "", FileDescriptor()));
  }
  struct stat status{};
  const bool exists = ::stat(name.c_str(), &status) == 0;
  if (exists && S_ISDIR(status.st_mode)) return Fail(ErrorKind::kInvalid, "{} is a folder, not a file", name);
  // A device or pipe is written as it is; only a file can be swapped in whole.
  const bool swap = !exists || S_ISREG(status.st_mode);
  std::string scratch = swap ? fmt::format("{}.partial-{}", name, ::getpid()) : "";
  FileDescriptor file(::open(swap ? scratch.c_str() : name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!file.valid()) return Fail(ErrnoError(errno, fmt::format("cannot write {}", name)));
  return std::unique_ptr<OutputFile>(new OutputFile(console, name, std::move(scratch), std::move(file)));
}

Status OutputFile::Write(std::string_view bytes) {
  if (!file_.valid()) return console_.Write(bytes);
  if (console_.stop().stop_requested()) return Fail(ErrorKind::kCancelled, "interrupted");
  auto written = WriteFully(file_.get(), bytes);
  if (!written) return Fail(std::move(written).error().In(name_));
  return {};
}

Status OutputFile::Finish() {
  if (scratch_.empty()) return {};
  if (std::rename(scratch_.c_str(), name_.c_str()) != 0)
    return Fail(ErrnoError(errno, fmt::format("cannot write {}", name_)));
  scratch_.clear();
  return {};
}

Status Copy(ByteSource& source, ByteSink& sink) {
  std::string buffer(kCopyBytes, '\0');
  while (true) {
    LH_ASSIGN(const size_t read, source.Read(buffer));
    if (read == 0) return {};
    LH_TRY(sink.Write(std::string_view(buffer).substr(0, read)));
  }
}

}  // namespace lakehouse::cli
