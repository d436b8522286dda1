#include "service/spool.h"

namespace lakehouse::service {

Spool::Spool(std::filesystem::path folder, uint64_t limit_bytes, observe::Metrics& metrics)
    : folder_(std::move(folder)), limit_bytes_(limit_bytes) {
  metrics.GaugeFrom("lakehouse_spool_bytes", "Bytes of uploads and results in flight on disk", {},
                    [this] { return static_cast<double>(used_.load()); });
}

Status Spool::File::Write(std::string_view bytes) {
  if (spool_.used_.fetch_add(bytes.size()) + bytes.size() > spool_.limit_bytes_) {
    spool_.used_.fetch_sub(bytes.size());
    return Fail(ErrorKind::kExhausted,
                "the spool is full: uploads in flight may use {} bytes together ([server] spool_limit)",
                spool_.limit_bytes_);
  }
  bytes_ += bytes.size();
  auto written = WriteFully(descriptor_.get(), bytes);
  if (!written) return Fail(std::move(written.error()).In("the spool"));
  return {};
}

Result<std::unique_ptr<Spool::File>> Spool::Make() {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) return Fail(ErrnoError(error.value(), "cannot make the spool's folder"));
  LH_ASSIGN(FileDescriptor file, OpenTemporaryFile(folder_));
  return std::make_unique<File>(*this, std::move(file));
}

}  // namespace lakehouse::service
