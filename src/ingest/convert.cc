#include "ingest/convert.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"
#include "ingest/mapped_file.h"

namespace lakehouse::ingest {
namespace {

class FileSink final : public ByteSink {
 public:
  explicit FileSink(int descriptor) : descriptor_(descriptor) {}
  Status Write(std::string_view bytes) override { return WriteFully(descriptor_, bytes); }

 private:
  const int descriptor_;
};

class FileTarget final : public ImportTarget {
 public:
  explicit FileTarget(int descriptor) : descriptor_(descriptor), sink_(descriptor) {}
  Status Begin(const ImportSchema& schema) override {
    if (::ftruncate(descriptor_, 0) != 0 || ::lseek(descriptor_, 0, SEEK_SET) != 0)
      return Fail(ErrnoError(errno, "cannot write the output"));
    report.schema = schema;
    file_.emplace(schema.columns, sink_);
    return {};
  }
  Status Add(const EncodedRowGroup& group) override { return file_->Add(group); }
  Status Finish() {
    LH_TRY(file_->Finish());
    report.rows = file_->rows();
    report.bytes = file_->bytes();
    return {};
  }
  ConvertReport report;

 private:
  const int descriptor_;
  FileSink sink_;
  std::optional<ParquetFile> file_;
};

}  // namespace

Result<ConvertReport> ConvertCsvFile(const RequestContext& context, const std::filesystem::path& input,
                                     const std::filesystem::path& output, const ImportOptions& options) {
  const FileDescriptor source(::open(input.c_str(), O_RDONLY | O_CLOEXEC));
  if (!source.valid()) return Fail(ErrnoError(errno, "cannot read " + input.string()));
  LH_ASSIGN(const MappedFile mapped, MappedFile::Map(source.get()));
  const std::string temporary = output.string() + ".part";
  const FileDescriptor out(::open(temporary.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!out.valid()) return Fail(ErrnoError(errno, "cannot write " + temporary));
  FileTarget target(out.get());
  Status status =
      ImportCsv(context, mapped.bytes(), options, target, [&](size_t from, size_t to) { mapped.Release(from, to); });
  if (status) status = target.Finish();
  if (status && ::rename(temporary.c_str(), output.c_str()) != 0)
    status = Fail(ErrnoError(errno, "cannot write " + output.string()));
  if (!status) {
    ::unlink(temporary.c_str());
    return Fail(status.error());
  }
  target.report.source_bytes = mapped.bytes().size();
  return std::move(target.report);
}

}  // namespace lakehouse::ingest
