// The folder that [server] data_dir names.
#pragma once

#include <filesystem>

#include "base/result.h"

namespace lakehouse::server {

// Makes it where it is missing. An error names the folder and the setting when it cannot be made or written to.
Status MakeDataFolder(const std::filesystem::path& folder);

}  // namespace lakehouse::server
