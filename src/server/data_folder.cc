#include "server/data_folder.h"

#include <unistd.h>

#include <cerrno>

#include "base/file.h"

namespace lakehouse::server {

Status MakeDataFolder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    return Fail(
        ErrnoError(error.value(), fmt::format("cannot make the data folder {} ([server] data_dir)", folder.string())));
  if (::access(folder.c_str(), W_OK) != 0) {
    return Fail(
        ErrnoError(errno, fmt::format("cannot write to the data folder {} ([server] data_dir)", folder.string())));
  }
  return {};
}

}  // namespace lakehouse::server
